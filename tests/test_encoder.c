/* The CPU backend: the contract of every backend, on each instruction set. */
#include "tests/backend_contract.h"
#include "tests/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backends_are_found_by_name_and_refused_by_others),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = COUNT(network_isas); i-- > 0;) {
        struct backend_contract contract = { .backend = lstm_backend_cpu(network_isas[i]), .tolerance = 0.0f };
        contract.longest = i ? 1000000 : 50000; /* plain C takes its time */
        if (contract.backend)
            failures += backend_contract_run(&contract);
        else
            print_message("skipped: %s, which this machine lacks\n", network_isas[i]);
    }
    return failures;
}
