/* The models inside the extension, on one core: how soon they answer, how fast they score, from
 * SQL text too, and the memory that they end up with. */
#include "tests/bench/corpus.h"
#include "tests/bench/engine.h"
#include "tests/bench/parts.h"
#include "tests/bench/peak.h"
#include "tests/bench/peer.h"
#include "tests/bench/race.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPENINGS = 5, TOKENS = 200, CHUNK = 250, SUMMARIES = 32, SUMMARY_CHUNKS = 7 };
static const double first_ms_max = 60, resident_mb_max = 96;
static const double seconds_max = 25; /* for scoring the texts; the rest is left out, aloud */

/* ---- the first answer ---- */

/* The first column of the one row of a statement with two parameters. */
static int ask(sqlite3 *db, const char *sql, int first, int last)
{
    sqlite3_stmt *statement;
    int failed = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    race_check(failed, sqlite3_errmsg(db));
    sqlite3_bind_int(statement, 1, first);
    sqlite3_bind_int(statement, 2, last);
    failed = sqlite3_step(statement) != SQLITE_ROW;
    race_check(failed, sqlite3_errmsg(db));
    int answer = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static double first_answer_ms(const char *texts, const char *sql)
{
    double began = race_now(CLOCK_PROCESS_CPUTIME_ID);
    sqlite3 *db = corpus_open(texts);
    ask(db, sql, 1, 1);
    double ms = 1e3 * (race_now(CLOCK_PROCESS_CPUTIME_ID) - began);
    sqlite3_close(db);
    return ms;
}

/* In processes that have opened nothing yet: children of this one, before it opens anything. */
static void first_answers(const char *texts, const char *name, const char *sql)
{
    double ms[OPENINGS];
    for (int i = 0; i < OPENINGS; i++) {
        int answer[2];
        fflush(stdout);
        race_check(pipe(answer), "no pipe");
        pid_t pid = fork();
        race_check(pid < 0, "no process");
        if (pid == 0) {
            double took = first_answer_ms(texts, sql);
            _exit(write(answer[1], &took, sizeof took) != sizeof took);
        }
        close(answer[1]);
        race_check(read(answer[0], &ms[i], sizeof ms[i]) != sizeof ms[i], "no answer");
        close(answer[0]);
        waitpid(pid, NULL, 0);
    }
    race_print(name, "at most", race_median(ms, OPENINGS), first_ms_max, 1, 1);
}

/* ---- the network ---- */

/* The default sentiment model beside the peers, as the random ones of other sizes are. */
static void network(const struct lstm_model *model)
{
    static int32_t even[128];
    static const int32_t batches[] = { 1, 32, 128 };
    const struct lstm_sizes *sizes = &model->sizes;
    const int is_int8 = model->int8.weights != NULL;
    const char *precision = is_int8 ? "int8" : "fp32";
    for (size_t i = 0; i < 128; i++)
        even[i] = TOKENS;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        struct engine engine;
        struct work work = work_encoder(sizes, is_int8, NULL);
        struct question onednn = question_lstm(&peer_onednn, precision, sizes->embedding,
                                               sizes->hidden, even, batches[i]);
        struct question pytorch = onednn;
        char name[64];
        pytorch.peer = &peer_pytorch;
        snprintf(name, sizeof name, "sentiment %s batch %d tokens/s", precision, batches[i]);
        engine_open(&engine, model, NULL, even, batches[i], 128 / batches[i]);
        struct race race = { name,
                             { "ours", engine_tokens, &engine, 0 },
                             { { "limit", work_rate, &work, 0 },
                               { "oneDNN", question_ask, &onednn, 0 },
                               { "PyTorch", question_ask, &pytorch, 0 } } };
        if (sizes->layers > 1) /* the peers are asked for one layer */
            race.peers[1].name = NULL;
        race_run(&race);
        engine_close(&engine);
    }
}

/* ---- from SQL ---- */

static double resident_mb(void)
{
    char line[200];
    double kb = NAN;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "VmRSS:", 6))
            kb = strtod(line + 6, NULL);
    if (status)
        fclose(status);
    return kb / 1024;
}

/* Every text is scored once, so that no cache of results can answer. */
static void from_sql(const char *texts)
{
    static const char score[] =
        "SELECT avg(lstm_sentiment(body)) FROM texts WHERE id BETWEEN ?1 AND ?2";
    static const char summarize[] =
        "SELECT max(lstm_summarize(body)) FROM texts WHERE id BETWEEN ?1 AND ?2";
    double rates[1000], seconds = 0;
    char name[64];
    int chunks = 0, first = 1;
    sqlite3 *db = corpus_open(texts);
    for (; chunks < SUMMARY_CHUNKS; chunks++, first += SUMMARIES) {
        double began = race_now(CLOCK_PROCESS_CPUTIME_ID);
        ask(db, summarize, first, first + SUMMARIES - 1);
        rates[chunks] = SUMMARIES / (race_now(CLOCK_PROCESS_CPUTIME_ID) - began);
    }
    race_print("summaries from SQL texts/s", NULL, race_median(rates, chunks), NAN, 0, 0);
    const int total = ask(db, "SELECT count(*) FROM texts", 0, 0);
    for (chunks = 0, first = 1;
         first + CHUNK - 1 <= total && chunks < 1000 && seconds < seconds_max;
         chunks++, first += CHUNK) {
        double began = race_now(CLOCK_PROCESS_CPUTIME_ID);
        ask(db, score, first, first + CHUNK - 1);
        double took = race_now(CLOCK_PROCESS_CPUTIME_ID) - began;
        rates[chunks] = CHUNK / took;
        seconds += took;
    }
    race_print("scores from SQL texts/s", NULL, race_median(rates, chunks), NAN, 0, 0);
    snprintf(name, sizeof name, "resident after %d of %d texts MB", first - 1, total);
    race_print(name, "at most", resident_mb(), resident_mb_max, 1, 1);
    sqlite3_close(db);
}

/* In a process of its own: its memory is what SQL needs and nothing else. */
static void from_sql_alone(const char *texts)
{
    fflush(stdout);
    pid_t pid = fork();
    race_check(pid < 0, "no process");
    if (pid == 0) {
        from_sql(texts);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

void bench_shipped(const char *texts)
{
    first_answers(texts, "opening, first score ms",
                  "SELECT lstm_sentiment(body) FROM texts WHERE id BETWEEN ?1 AND ?2");
    first_answers(texts, "opening, first summary ms",
                  "SELECT lstm_summarize(body) FROM texts WHERE id BETWEEN ?1 AND ?2");
    first_answers(texts, "opening both, first score and summary ms",
                  "SELECT lstm_sentiment(body), lstm_summarize(body) FROM texts "
                  "WHERE id BETWEEN ?1 AND ?2");
    from_sql_alone(texts);
    struct lstm_model *model = corpus_model("sentiment");
    network(model);
    lstm_model_free(model);
}
