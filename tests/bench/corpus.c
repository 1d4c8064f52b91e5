#include "tests/bench/corpus.h"
#include "tests/bench/race.h"
#include "tests/networks.h"
#include "train/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sqlite3_lstmext_init(sqlite3 *db, char **message, const void *api);

sqlite3 *corpus_open(const char *texts)
{
    sqlite3 *db;
    int failed = sqlite3_open_v2(texts, &db, SQLITE_OPEN_READONLY, NULL) ||
                 sqlite3_lstmext_init(db, NULL, NULL);
    race_check(failed, sqlite3_errmsg(db));
    return db;
}

int32_t corpus_read(const char *texts, struct lstm_text *list, int32_t count)
{
    sqlite3 *db = corpus_open(texts);
    sqlite3_stmt *statement;
    int32_t read = 0;
    int failed = sqlite3_prepare_v2(db, "SELECT body FROM texts ORDER BY id", -1, &statement, NULL);
    race_check(failed, sqlite3_errmsg(db));
    for (; read < count && sqlite3_step(statement) == SQLITE_ROW; read++) {
        size_t size = (size_t)sqlite3_column_bytes(statement, 0);
        void *bytes = network_memory(size);
        memcpy(bytes, sqlite3_column_blob(statement, 0), size);
        list[read] = (struct lstm_text){ bytes, size };
    }
    race_check(read == 0, "no texts");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return read;
}

void corpus_free(struct lstm_text *list, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        free((void *)(uintptr_t)list[i].bytes);
}

struct lstm_model *corpus_model(const char *name)
{
    char path[100];
    unsigned char *blob;
    size_t size;
    struct lstm_model *model;
    struct lstm_error err;
    snprintf(path, sizeof path, "model/default_%s.safetensors", name);
    race_check(file_read(path, &blob, &size, &err), err.text);
    race_check(lstm_model_read(blob, size, &model, &err), err.text);
    free(blob);
    return model;
}
