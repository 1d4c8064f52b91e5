/* lstm_summarize(text [, options]). */
#include "summaries.h"

#include "functions.h"
#include "interrupt.h"
#include "results.h"

#include <string.h>

int summary_check_task(const struct bound *bound, const char *function, struct failure *failure)
{
    const char *task = lstm_scorer_model(bound->shared->scorer)->task;
    if (!strcmp(task, "summarize"))
        return SQLITE_OK;
    return failure_set(failure, FAILURE_TASK,
                       "model '%s' has the task '%s', %s needs 'summarize'; use %s", bound->name,
                       task, function,
                       !strcmp(task, "sentiment") ? "lstm_sentiment" : "lstm_classify");
}

int summary_read(sqlite3 *db, struct bound *bound, sqlite3_value *value,
                 const struct lstm_summary_settings *settings, struct lstm_summary *summary,
                 struct failure *failure)
{
    struct lstm_worker *worker = NULL;
    struct lstm_text text;
    struct lstm_error err;
    struct interrupt interrupt = interrupt_watch(db);
    int rc = text_read(value, &text, failure);
    *summary = (struct lstm_summary){ .text = NULL };
    if (!rc)
        rc = bound_worker(bound, &worker, failure);
    if (rc)
        return rc;
    if (lstm_worker_summarize(worker, &text, 1, settings, interrupt_asked, &interrupt, summary,
                              &err))
        return failure_of_model(failure, &err, "the text cannot be summarized");
    return SQLITE_OK;
}

/* NULL gives NULL, and so does a text with no token in it; a mistake in the options is an error for
 * every text. */
void summarize_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    struct request *request = NULL;
    struct outcome outcome = { .bytes = NULL };
    int rc = request_take(registry, context, &kind_summary, argc > 1 ? argv[1] : NULL, &request,
                          &failure);
    if (!rc)
        rc = summary_check_task(request->bound, "lstm_summarize", &failure);
    if (!rc && sqlite3_value_type(argv[0]) != SQLITE_NULL)
        rc = result_for(registry, context, request, argv[0], &outcome, &failure);
    if (rc)
        lookahead_failure_result(registry, &failure, context);
    else if (outcome.size > 0)
        sqlite3_result_text64(context, (const char *)outcome.bytes, outcome.size, SQLITE_TRANSIENT,
                              SQLITE_UTF8);
    request_release(request);
}
