#include "lookahead.h"

#include "derive.h"
#include "parameters.h"
#include "statement.h"

#include <string.h>

/* Calls beyond the last text that is wanted until the look-ahead ends by an error: where rows come,
 * it ends at one of them without. */
enum { BEYOND_MAX = 32 };

static const struct nested_sql savepoint = { "SAVEPOINT lstm_readahead",
                                             "RELEASE lstm_readahead",
                                             { "RELEASE lstm_readahead" } };

/* Errors that SQLite answers with more than the end of the statement, or that meant the statement
 * that is calling us. */
static int is_severe(int rc)
{
    rc &= 0xff;
    return rc == SQLITE_INTERRUPT || rc == SQLITE_NOMEM || rc == SQLITE_IOERR ||
           rc == SQLITE_FULL || rc == SQLITE_CORRUPT;
}

/* Scores what waits. Want of memory ends the read-ahead, not the statement. */
static int infer(struct lookahead *look, struct failure *failure)
{
    struct run *run = look->run;
    struct stats *stats = &run->registry->stats;
    int64_t texts = stats->texts;
    double began = stats_clock();
    int rc = batch_infer(&run->batch, &run->window, failure);
    double seconds = stats_clock() - began;
    size_t scored = (size_t)(stats->texts - texts);
    look->inferring += seconds;
    run->ahead_s += seconds;
    run->ahead_texts += scored;
    run->scored += scored;
    if (rc && rc != SQLITE_INTERRUPT) {
        run_refuse(run, REFUSED_MEMORY);
        failure->rc = rc = SQLITE_OK;
    }
    return rc;
}

/* Asked at every call and row. Where they follow closely the clock is read at one in 16. */
static int is_over_budget(struct lookahead *look)
{
    static const double closely = 50e-6;
    struct run *run = look->run;
    if (run->registry->settings.readahead == READAHEAD_EAGER || look->first_call <= 0)
        return 0;
    if (look->unasked > 0) {
        look->unasked--;
        return 0;
    }
    const double now = stats_clock();
    look->unasked = now - look->asked_at < closely ? 15 : 0;
    look->asked_at = now;
    run->was_cut = now - look->first_call - look->inferring >
                   look->allowance + run_gain(run) * (double)run->taken / 2;
    return run->was_cut;
}

/* 0: no memory. */
static int add(struct run *run, struct request *request, const struct lstm_text *text,
               const struct fingerprint *key)
{
    return result_window_add(&run->window, key) &&
           batch_add(&run->batch, request, text, key, run->window.filled - 1);
}

/* Takes a text that nobody has come to, for the next batch. */
static int take(struct lookahead *look, struct request *request, const struct lstm_text *text,
                const struct fingerprint *key)
{
    struct run *run = look->run;
    if (text->size > BATCH_BYTES_MAX)
        return SQLITE_OK;
    if (run->taken >= run->wanted)
        return ++look->beyond > BEYOND_MAX;
    if (run->window.is_full || !add(run, request, text, key))
        return SQLITE_NOMEM;
    run->taken++;
    return batch_is_full(&run->batch) ? infer(look, &look->failure) : SQLITE_OK;
}

/* What the cache may lose before its turn comes, the window keeps. */
static void keep_copy(struct run *run, const struct fingerprint *key, const struct result *result)
{
    struct result_window *window = &run->window;
    if (result_window_add(window, key)) {
        window->slots[window->filled - 1].is_copy = 1;
        result_window_set(window, window->filled - 1, result->bytes, result->size);
    }
}

/* Of the texts that the run has come to, those for which it had no memory come first here too. */
static int pass_forgotten(struct lookahead *look, const struct fingerprint *key)
{
    return lately_had(&look->passed, key) || (look->forgotten > 0 && look->forgotten--);
}

int lookahead_collect(struct lookahead *look, struct request *request, const struct lstm_text *text,
                      const struct fingerprint *key, struct outcome *outcome)
{
    struct run *run = look->run;
    struct result *cached = &run->registry->result;
    const struct result_slot *slot = result_window_find(&run->window, key);
    *outcome = (struct outcome){ .bytes = NULL };
    run->registry->stats.collected++;
    if (look->first_call <= 0)
        look->first_call = stats_clock();
    if (look->failure.rc || run->refusal || is_over_budget(look))
        return SQLITE_ABORT;
    if (slot) {
        run->met |= slot->state == SLOT_USED || memcmp(key, look->key, sizeof *key) == 0;
        if (slot->state != SLOT_WAITING)
            *outcome = (struct outcome){ result_window_bytes(&run->window, slot), slot->size };
        return SQLITE_OK;
    }
    const int is_seen = seen_has(&run->seen, key);
    run->met |= is_seen;
    if (result_cache_find(key, cached)) {
        *outcome = (struct outcome){ cached->bytes, cached->size };
        if (!is_seen && !pass_forgotten(look, key))
            keep_copy(run, key, cached);
    } else if (!is_seen && !pass_forgotten(look, key)) {
        return take(look, request, text, key);
    }
    return SQLITE_OK;
}

/* Finds out what the run is, once. */
static enum refusal examine(struct run *run, int *rc)
{
    sqlite3 *db = run->registry->db;
    enum refusal refusal = statement_calling(run->registry, &run->statement);
    if (refusal)
        return refusal;
    const int only_reads = sqlite3_stmt_readonly(run->statement);
    const char *sql = sqlite3_sql(run->statement); /* NULL: not prepared from a text */
    run->select = sql ? derive_select(sql, only_reads) : NULL;
    if (!run->select)
        return REFUSED_FORM;
    if (sqlite3_bind_parameter_count(run->statement) > 0 &&
        !(run->expanded = parameters_expand(run->statement)))
        return REFUSED_PARAMETERS;
    refusal = vet(db, run->select, &run->vetted, rc);
    run->writes = !only_reads;
    if (run->writes) /* its first step does all of it */
        run->vetted.runs_to_end = !run->vetted.may_end_early;
    return refusal;
}

static enum refusal prepare(struct run *run, sqlite3_stmt **select, int *rc)
{
    sqlite3 *db = run->registry->db;
    *rc = sqlite3_prepare_v2(db, run->select, -1, select, NULL);
    if (*rc || !sqlite3_stmt_readonly(*select) || sqlite3_column_count(*select) == 0)
        return REFUSED_PREPARE;
    if (sqlite3_bind_parameter_count(*select) > 0 &&
        !parameters_bind(*select, run->statement, sqlite3_sql(run->statement), run->expanded))
        return REFUSED_PARAMETERS;
    if (run->vetted.has_temporary && !sqlite3_get_autocommit(db) &&
        sqlite3_txn_state(db, NULL) == SQLITE_TXN_WRITE)
        return REFUSED_TEMPORARY;
    return REFUSED_NOT;
}

static int step(struct lookahead *look, sqlite3_stmt *select)
{
    struct run *run = look->run;
    run->registry->lookahead = look;
    while (sqlite3_step(select) == SQLITE_ROW)
        if (run->taken >= run->wanted || look->failure.rc || is_over_budget(look))
            break;
    run->registry->lookahead = NULL;
    return sqlite3_reset(select);
}

/* Everything that runs SQL; what went wrong severely is in look->failure. */
static void collect(struct lookahead *look)
{
    struct run *run = look->run;
    sqlite3 *db = run->registry->db;
    sqlite3_stmt *select = NULL;
    enum refusal refusal = REFUSED_NOT;
    int rc = SQLITE_OK;
    double began = stats_clock();
    if (!run->is_vetted)
        refusal = examine(run, &rc);
    run->is_vetted = 1;
    if (!refusal)
        refusal = prepare(run, &select, &rc);
    if (run->lookaheads == 0)
        run->registry->stats.vetting_s = stats_clock() - began;
    if (refusal)
        run_refuse(run, refusal);
    else
        rc = step(look, select);
    if (is_severe(rc) && !look->failure.rc)
        failure_of_sqlite(&look->failure, db, "cannot read ahead");
    sqlite3_finalize(select);
}

/* A nested statement that fails rolls back in autocommit mode, and that moves the cursors of the
 * statement that is calling us, which then gives wrong rows; with a savepoint open it does not. One
 * that writes has a transaction, and SQLite allows no savepoint in it. */
static int collect_safely(struct lookahead *look, struct failure *failure)
{
    struct run *run = look->run;
    sqlite3 *db = run->registry->db;
    const int autocommit = sqlite3_get_autocommit(db), transaction = sqlite3_txn_state(db, NULL),
              needs = autocommit && !connection_writes(db);
    struct nested nested = { .begun = 0 };
    int rc = SQLITE_OK;
    if (needs && (rc = nested_begin(db, &savepoint, &nested, "cannot read ahead", failure))) {
        int severe = is_severe(rc);
        nested_end(db, &nested, rc, "cannot read ahead", failure);
        run_refuse(run, REFUSED_SAVEPOINT);
        return severe ? rc : SQLITE_OK;
    }
    collect(look);
    if (needs) {
        rc = nested_end(db, &nested, SQLITE_OK, "cannot end the read-ahead", failure);
    } else { /* a statement that is prepared clears the connection's message */
        sqlite3_stmt *nothing = NULL;
        sqlite3_prepare_v2(db, "SELECT 1", -1, &nothing, NULL);
        sqlite3_finalize(nothing);
    }
    if (look->failure.rc) {
        *failure = look->failure;
        return failure->rc;
    }
    if (!rc && sqlite3_get_autocommit(db) == autocommit &&
        sqlite3_txn_state(db, NULL) >= transaction)
        return SQLITE_OK;
    /* SQLite rolled the transaction back, and the savepoint with it. */
    if (look->call_failure.rc)
        *failure = look->call_failure;
    else if (!rc) {
        failure_set(failure, FAILURE_INPUT,
                    "the transaction was rolled back by an error that was met while reading ahead");
        failure->rc = SQLITE_ABORT_ROLLBACK;
    }
    return failure->rc;
}

int lookahead(struct run *run, struct request *request, const struct lstm_text *text,
              const struct fingerprint *key, struct failure *failure)
{
    struct stats *stats = &run->registry->stats;
    struct lookahead look = { .run = run,
                              .key = key,
                              .allowance = run_allowance(run) + run->last_collect_s };
    const double began = stats_clock();
    run->taken = run->used = run->late = 0;
    run->met = run->was_cut = 0;
    result_window_renew(&run->window, &run->seen);
    look.forgotten = run->seen.forgotten;
    run->taken = (size_t)add(run, request, text, key);
    if (!run->taken) {
        run_refuse(run, REFUSED_MEMORY);
        return SQLITE_OK;
    }
    int rc = collect_safely(&look, failure);
    run->last_collect_s = stats_clock() - began - look.inferring;
    run->collect_s += run->last_collect_s;
    stats->lookahead_s += run->last_collect_s;
    stats->lookaheads += run->refusal == REFUSED_NOT;
    run->lookaheads++;
    if (!rc && !run->refusal)
        rc = infer(&look, failure);
    batch_empty(&run->batch);
    return rc;
}

void lookahead_failure_result(const struct registry *registry, const struct failure *failure,
                              sqlite3_context *context)
{
    struct lookahead *look = registry->lookahead;
    if (!look) {
        failure_result(failure, context);
        return;
    }
    if (failure->rc != SQLITE_ABORT) /* see result_for */
        look->call_failure = *failure;
    sqlite3_result_error(context, "the read-ahead ends here", -1);
}
