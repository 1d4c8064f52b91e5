/* Temperature scaling against cases whose answer is known. */
#include "train/calibrate.h"

#include "train/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXTS = 20000 };

static float logits[TEXTS][2];
static int32_t classes[TEXTS];
static float shares[TEXTS];
static const struct calibration_truth truth = { .classes = classes }, soft = { .shares = shares };

/* Logits drawn at random whose classes follow their shares, which are softmax(logits /
 * temperature).
 */
static void draw_texts(double temperature)
{
    uint64_t random = 7;
    for (int i = 0; i < TEXTS; i++) {
        logits[i][0] = 8.0f * random_float(&random) - 4.0f;
        logits[i][1] = 8.0f * random_float(&random) - 4.0f;
        double difference = ((double)logits[i][1] - (double)logits[i][0]) / temperature;
        shares[i] = (float)(1 / (1 + exp(-difference)));
        classes[i] = random_float(&random) < shares[i];
    }
}

static void the_temperature_that_made_the_labels_is_found(void **state)
{
    static const double temperatures[] = { 0.5, 1, 2.5, 6 };
    (void)state;
    for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        draw_texts(temperatures[i]);
        double found = calibrate(&logits[0][0], &truth, TEXTS, 2);
        assert_true(fabs(found / temperatures[i] - 1) < 0.06);
        assert_true(calibration_error(&logits[0][0], &truth, TEXTS, 2, found, 15) < 0.015);
        found = calibrate(&logits[0][0], &soft, TEXTS, 2);
        assert_true(fabs(found / temperatures[i] - 1) < 1e-3);
        assert_true(calibration_error(&logits[0][0], &soft, TEXTS, 2, found, 15) < 1e-4);
    }
}

static void no_other_temperature_has_a_smaller_loss(void **state)
{
    (void)state;
    draw_texts(1.7);
    double found = calibrate(&logits[0][0], &truth, TEXTS, 2);
    double best = calibration_loss(&logits[0][0], &truth, TEXTS, 2, found);
    for (double t = 0.1; t < 10; t *= 1.1)
        assert_true(calibration_loss(&logits[0][0], &truth, TEXTS, 2, t) >= best - 1e-9);
}

/* Twelve texts that are all right do not prove that all texts will be. */
static void few_texts_that_are_right_are_not_sure_of_the_next_one(void **state)
{
    static const int32_t counts[] = { 12, 200 };
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (int32_t i = 0; i < counts[c]; i++) {
            classes[i] = i % 2;
            logits[i][0] = classes[i] ? -2 : 2;
            logits[i][1] = -logits[i][0];
        }
        const double found = calibrate(&logits[0][0], &truth, counts[c], 2);
        const double confidence = 1 / (1 + exp(-4 / found));
        assert_true(fabs(confidence - (1 - 0.5 / (counts[c] + 1))) < 1e-6);
    }
}

static void the_error_of_overconfidence_is_its_distance_from_the_truth(void **state)
{
    /* 100 texts with confidence sigmoid(2 * 10) = 1, of which 70 are right */
    (void)state;
    for (int i = 0; i < 100; i++) {
        logits[i][0] = 10;
        logits[i][1] = -10;
        classes[i] = i >= 70;
    }
    assert_true(fabs(calibration_error(&logits[0][0], &truth, 100, 2, 1, 15) - 0.3) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_temperature_that_made_the_labels_is_found),
        cmocka_unit_test(no_other_temperature_has_a_smaller_loss),
        cmocka_unit_test(few_texts_that_are_right_are_not_sure_of_the_next_one),
        cmocka_unit_test(the_error_of_overconfidence_is_its_distance_from_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
