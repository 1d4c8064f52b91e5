/* The functions that score a text a row. */
#include "functions.h"
#include "model/json.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

/* REAL from -1 to 1, so that (x + 1) / 2 is the probability of "positive". */
static int sentiment_result(sqlite3_context *context, const struct request *request,
                            const struct classes_result *given, struct failure *failure)
{
    if (request->positive < 0)
        return failure_set(failure, FAILURE_MODEL,
                           "model '%s' has no label \"positive\", which lstm_sentiment needs",
                           request->bound->name);
    sqlite3_result_double(context, 2 * (double)given->probabilities[request->positive] - 1);
    return SQLITE_OK;
}

/* {"label": the likeliest class, "confidence": its probability, "probabilities": {of every class}}
 */
static int classify_result(sqlite3_context *context, const struct request *request,
                           const struct classes_result *given, struct failure *failure)
{
    const float *probabilities = given->probabilities;
    const struct lstm_model *model = lstm_scorer_model(request->bound->shared->scorer);
    struct json_text out = { .size = 0 };
    char number[JSON_REAL_SIZE];
    int best = 0;
    for (int i = 1; i < model->sizes.classes; i++)
        if (probabilities[i] > probabilities[best])
            best = i;
    json_put(&out, "{\"label\":");
    json_put_string(&out, model->labels[best], strlen(model->labels[best]));
    json_put(&out, ",\"confidence\":");
    json_real_write(probabilities[best], number);
    json_put(&out, number);
    json_put(&out, ",\"probabilities\":");
    for (int i = 0; i < model->sizes.classes; i++) {
        json_put(&out, i == 0 ? "{" : ",");
        json_put_string(&out, model->labels[i], strlen(model->labels[i]));
        json_put(&out, ":");
        json_real_write(probabilities[i], number);
        json_put(&out, number);
    }
    json_put(&out, "}}");
    if (!out.status) {
        sqlite3_result_text64(context, out.bytes, out.size, SQLITE_TRANSIENT, SQLITE_UTF8);
        sqlite3_result_subtype(context, 'J');
    }
    free(out.bytes);
    return out.status ? failure_set(failure, FAILURE_NOMEM, "the result") : SQLITE_OK;
}

/* What a function makes of the probabilities, and the models it takes. */
struct scoring {
    int (*result)(sqlite3_context *context, const struct request *request,
                  const struct classes_result *given, struct failure *failure);
    const char *name, *task; /* task NULL: any classifier */
};

static int check_task(const struct scoring *scoring, struct request *request,
                      struct failure *failure)
{
    if (request->fits == scoring)
        return SQLITE_OK;
    const struct bound *bound = request->bound;
    const char *task = lstm_scorer_model(bound->shared->scorer)->task;
    int summarizes = !strcmp(task, "summarize");
    if (scoring->task ? !strcmp(task, scoring->task) : !summarizes) {
        request->fits = scoring;
        return SQLITE_OK;
    }
    return failure_set(failure, FAILURE_TASK, "model '%s' has the task '%s', %s needs %s; use %s",
                       bound->name, task, scoring->name,
                       scoring->task ? "'sentiment'" : "'classify' or 'sentiment'",
                       summarizes ? "lstm_summarize" : "lstm_classify");
}

/* NULL gives NULL, and so does a text with no token in it; a mistake in the options is an error for
 * every text. */
static void score(sqlite3_context *context, int argc, sqlite3_value **argv,
                  const struct scoring *scoring)
{
    struct registry *registry = sqlite3_user_data(context);
    struct failure failure;
    struct request *request = NULL;
    struct outcome outcome = { .bytes = NULL };
    int rc = request_take(registry, context, &kind_classes, argc > 1 ? argv[1] : NULL, &request,
                          &failure);
    if (!rc)
        rc = check_task(scoring, request, &failure);
    if (!rc && sqlite3_value_type(argv[0]) != SQLITE_NULL)
        rc = result_for(registry, context, request, argv[0], &outcome, &failure);
    if (!rc && outcome.size > 0)
        rc = scoring->result(context, request, (const void *)outcome.bytes, &failure);
    if (rc)
        lookahead_failure_result(registry, &failure, context);
    request_release(request);
}

void sentiment_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    static const struct scoring sentiment = { sentiment_result, "lstm_sentiment", "sentiment" };
    score(context, argc, argv, &sentiment);
}

void classify_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    static const struct scoring classification = { classify_result, "lstm_classify", NULL };
    score(context, argc, argv, &classification);
}
