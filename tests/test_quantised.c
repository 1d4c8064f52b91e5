/* Models stored as int8 (train/quantised.c). What the note says is tested with the commands. */
#include "train/quantised.h"

#include "tests/tiny_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tiny_model tiny = { .task = "summarize", .seed = 3, .card = "{\"seed\": 3}" };

static struct lstm_model *read_model(void *blob, size_t size)
{
    struct lstm_model *model;
    struct lstm_error err;
    if (lstm_model_read(blob, size, &model, &err))
        fail_msg("%s", err.text);
    free(blob);
    lstm_model_dequantise(model);
    return model;
}

static struct lstm_model *make_model(void)
{
    size_t size;
    void *blob = tiny_model_write(&tiny, &size);
    return read_model(blob, size);
}

static void a_model_in_training_goes_on_as_it_was(void **state)
{
    struct lstm_model *model = make_model(), *same = make_model(), *small;
    struct lstm_error err;
    void *blob;
    size_t size, params = lstm_params_count(&model->sizes);
    (void)state;
    assert_int_equal(quantised_write(model, &blob, &size, &err), LSTM_OK);
    assert_null(model->int8.weights);
    assert_memory_equal(model->params, same->params, params * sizeof *model->params);
    small = read_model(blob, size);
    assert_non_null(small->int8.weights);
    assert_memory_not_equal(small->params, same->params, params * sizeof *model->params);
    assert_string_equal(small->card, tiny.card);
    lstm_model_free(small);
    lstm_model_free(model);
    lstm_model_free(same);
}

static void what_cannot_be_quantised_is_named(void **state)
{
    struct lstm_model *model = make_model();
    struct lstm_error err;
    void *blob;
    size_t size;
    (void)state;
    model->params[5] = NAN;
    assert_int_equal(quantised_write(model, &blob, &size, &err), LSTM_RANGE);
    assert_null(blob);
    assert_non_null(strstr(err.text, "tensor embedding.weight, element 5: nan cannot"));
    lstm_model_free(model);
}

static void without_rows_the_card_says_that_nothing_was_measured(void **state)
{
    struct lstm_model *model = make_model();
    struct lstm_error err;
    (void)state;
    for (int i = 0; i < 2; i++) { /* a second note takes the place of the first */
        assert_int_equal(quantised_note(model, NULL, 1, &err), LSTM_OK);
        assert_string_equal(model->card, "{\"seed\":3,\"quantised\":{\"rows\":0}}");
    }
    lstm_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_in_training_goes_on_as_it_was),
        cmocka_unit_test(what_cannot_be_quantised_is_named),
        cmocka_unit_test(without_rows_the_card_says_that_nothing_was_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
