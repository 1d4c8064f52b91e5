/* The CPU backend: the contract of every backend on each instruction set, and the logits of
 * PyTorch. */
#include "tests/backend_contract.h"
#include "tests/golden_encoder.h"
#include "tests/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void backends_are_found_by_name_and_refused_by_others(void **state)
{
    (void)state;
    assert_string_equal(lstm_backend_cpu("generic")->name, "cpu-generic");
    assert_non_null(lstm_backend_cpu(NULL));
    assert_null(lstm_backend_cpu("cpu-generic"));
    assert_null(lstm_backend_cpu(""));
    for (size_t i = 0; i < COUNT(network_isas); i++) {
        const struct lstm_backend *backend = lstm_backend_cpu(network_isas[i]);
        if (backend) {
            assert_int_equal(backend->abi, LSTM_BACKEND_ABI);
            assert_string_equal(backend->name + strlen("cpu-"), network_isas[i]);
        }
    }
}

static void a_model_file_gives_the_logits_that_pytorch_gave(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_encoder_names); i++) {
        struct golden_encoder golden = golden_encoder_open(golden_encoder_names[i]);
        const struct lstm_backend *backend = lstm_backend_cpu(NULL);
        struct lstm_loaded *loaded;
        struct lstm_session *session;
        struct lstm_error err;
        int32_t count = golden.batch.texts * golden.model->sizes.classes;
        float *logits = network_memory((size_t)count * sizeof *logits);
        assert_int_equal(backend->load(golden.model, &loaded, &err), LSTM_OK);
        assert_int_equal(backend->open(loaded, &session, &err), LSTM_OK);
        assert_int_equal(backend->classify(session, &golden.batch, logits, &err), LSTM_OK);
        for (int32_t k = 0; k < count; k++)
            if (!(fabsf(logits[k] - golden.logits[k]) <= 1e-5f))
                fail_msg("golden %s, logit %d: %.9g, PyTorch has %.9g", golden_encoder_names[i], k,
                         (double)logits[k], (double)golden.logits[k]);
        backend->close(session);
        backend->unload(loaded);
        free(logits);
        golden_encoder_close(&golden);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backends_are_found_by_name_and_refused_by_others),
        cmocka_unit_test(a_model_file_gives_the_logits_that_pytorch_gave),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = COUNT(network_isas); i-- > 0;)
        for (int is_int8 = 0; is_int8 < 2; is_int8++) {
            const struct backend_contract contract = {
                .backend = lstm_backend_cpu(network_isas[i]),
                .is_int8 = is_int8,
                .longest = i ? 1000000 : 50000 /* plain C takes its time */
            };
            if (contract.backend)
                failures += backend_contract_run(&contract);
            else
                print_message("skipped: %s, which this machine lacks\n", network_isas[i]);
        }
    return failures;
}
