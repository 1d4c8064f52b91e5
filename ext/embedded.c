#include "embedded.h"

#include <pthread.h>
#include <string.h>

/* From embedded_files.S, which gives each a symbol for its first byte and one for the byte behind
 * its last. */
extern const unsigned char lstm_embedded_sentiment[], lstm_embedded_sentiment_end[];
extern const unsigned char lstm_embedded_summary[], lstm_embedded_summary_end[];
extern const char lstm_embedded_schema[];

static const struct {
    const char *name;
    const unsigned char *begin, *end;
} files[] = {
    { EMBEDDED_SENTIMENT, lstm_embedded_sentiment, lstm_embedded_sentiment_end },
    { EMBEDDED_SUMMARY, lstm_embedded_summary, lstm_embedded_summary_end },
};
enum { FILES = sizeof files / sizeof *files };

static struct embedded models[FILES]; /* name: NULL until somebody asks */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The hash is what a model is known by; it takes some milliseconds, so it waits until somebody asks
 * for this one. */
static const struct embedded *prepared(size_t i)
{
    struct embedded *model = &models[i];
    pthread_mutex_lock(&lock);
    if (!model->name) {
        unsigned char digest[SHA256_SIZE];
        *model = (struct embedded){ .name = files[i].name,
                                    .blob = files[i].begin,
                                    .size = (size_t)(files[i].end - files[i].begin) };
        sha256_of(model->blob, model->size, digest);
        sha256_hex(digest, model->sha256);
    }
    pthread_mutex_unlock(&lock);
    return model;
}

const struct embedded *embedded_at(size_t i)
{
    return i < FILES ? prepared(i) : NULL;
}

const struct embedded *embedded_find(const char *name)
{
    for (size_t i = 0; i < FILES; i++)
        if (!strcmp(files[i].name, name))
            return prepared(i);
    return NULL;
}

const char *embedded_schema(void)
{
    return lstm_embedded_schema;
}
