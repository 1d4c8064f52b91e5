/* Tokens a second by the size of a batch, as the tab-separated table that chart.awk draws. */
#include "tests/bench/engine.h"
#include "tests/bench/parts.h"
#include "tests/bench/peak.h"
#include "tests/bench/peer.h"
#include "tests/bench/race.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH_MAX = 128, TOKENS = 200, ROUNDS = 5, LINES = 3 };

void bench_chart(const char *texts)
{
    static int32_t even[BATCH_MAX];
    static const char *const precisions[] = { "int8", "fp32" };
    (void)texts;
    for (int i = 0; i < BATCH_MAX; i++)
        even[i] = TOKENS;
    printf("batch\tline\ttokens/s\n");
    for (size_t p = 0; p < 2; p++) {
        const int is_int8 = p == 0;
        struct lstm_model *model = engine_model(&engine_sizes, is_int8);
        for (int32_t batch = 1; batch <= BATCH_MAX; batch *= 2) {
            struct engine engine;
            struct work work = work_encoder(&engine_sizes, is_int8, NULL);
            struct question onednn =
                question_lstm(&peer_onednn, precisions[p], 256, 256, even, batch);
            struct question pytorch = onednn;
            double rates[LINES + 1];
            pytorch.peer = &peer_pytorch;
            engine_open(&engine, model, NULL, even, batch, BATCH_MAX / batch);
            const struct contestant all[] = { { "ours", engine_tokens, &engine, 0 },
                                              { "limit", work_rate, &work, 0 },
                                              { "oneDNN", question_ask, &onednn, 0 },
                                              { "PyTorch", question_ask, &pytorch, 0 } };
            const int count = is_int8 ? LINES : LINES + 1; /* PyTorch's int8 is slower than fp32 */
            race_medians(all, count, ROUNDS, rates);
            for (int i = 0; i < count; i++)
                if (!isnan(rates[i]))
                    printf("%d\t%s %s\t%.0f\n", batch, all[i].name, precisions[p], rates[i]);
            fflush(stdout);
            engine_close(&engine);
        }
        engine_model_free(model);
    }
}
