/* The seam between what a text means and where it is computed: one table of a few coarse functions.
 * The loop over time is behind it. The CPU's table is lstm_backend_cpu(); a plug-in gives one for
 * each of its devices. */
#ifndef LSTM_BACKEND_H
#define LSTM_BACKEND_H

#include "batch.h"
#include "writing.h"

enum { LSTM_BACKEND_ABI = 2 };

struct lstm_loaded;  /* a model's weights where the backend wants them; shared by threads, never
                        written after load */
struct lstm_session; /* one caller's working memory; used by one thread at a time */

struct lstm_backend {
    uint32_t abi; /* LSTM_BACKEND_ABI */
    const char *name;

    /* The model must outlive what is loaded from it. Of a quantised one the CPU reads int8, a
     * plug-in params (lstm_model_dequantise). */
    enum lstm_status (*load)(const struct lstm_model *model, struct lstm_loaded **loaded,
                             struct lstm_error *err);
    void (*unload)(struct lstm_loaded *loaded);

    enum lstm_status (*open)(const struct lstm_loaded *loaded, struct lstm_session **session,
                             struct lstm_error *err);
    void (*close)(struct lstm_session *session);

    /* logits: texts x classes, before calibration. On the CPU the bits of a text's logits depend on
     * its tokens and the model alone. Errors: LSTM_RANGE for a token outside the vocabulary or an
     * empty text, LSTM_NOMEM, LSTM_INTERRUPTED; then logits are undefined and the session stays
     * usable. */
    enum lstm_status (*classify)(struct lstm_session *session, const struct lstm_batch *batch,
                                 float *logits, struct lstm_error *err);

    /* Writes a summary of each text of the batch by a beam search, as beam.h describes it; NULL:
     * the backend has classifiers only. A text has at most LSTM_SUMMARY_SOURCE_MAX tokens, the
     * settings are checked; written: texts of them. On the CPU the bits of a summary depend on its
     * text, the settings and the model alone. Errors: as those of classify; then what was written
     * is undefined and the session stays usable. */
    enum lstm_status (*write)(struct lstm_session *session, const struct lstm_batch *batch,
                              const struct lstm_summary_settings *settings,
                              struct lstm_written *written, struct lstm_error *err);
    int32_t guides; /* nonzero: write knows the settings contrast, tone and whole_words; else it
                       fails with LSTM_RANGE where one of them is set */
};

/* The CPU backend on the best instruction set this machine has, or on the one named "generic",
 * "avx2", "avxvnni", "avx512" or "avx512vnni" (NULL when the machine lacks it or the name is
 * unknown). */
const struct lstm_backend *lstm_backend_cpu(const char *isa);

/* What a plug-in exports, an object of this name. */
#define LSTM_PLUGIN_SYMBOL "lstm_plugin"

enum lstm_precision {
    LSTM_PRECISION_FP16, /* 16 bits in memory, sums in 32: within 1e-2 of the CPU's fp32 */
    LSTM_PRECISION_FP32  /* within 1e-5, several times slower */
};

enum { LSTM_ABOUT_SIZE = 200 };

struct lstm_plugin {
    uint32_t abi; /* LSTM_BACKEND_ABI; read before anything else */

    /* The backend of a device, counted from 0. about (LSTM_ABOUT_SIZE): the device in words. The
     * first call that gets as far as the driver starts it, which takes a second. Errors:
     * LSTM_UNAVAILABLE with the reason, also in a process that has forked since. */
    enum lstm_status (*open)(int32_t device, enum lstm_precision precision,
                             const struct lstm_backend **backend, char *about,
                             struct lstm_error *err);

    /* What all models and sessions may hold of each device's memory together, in bytes, from the
     * next allocation on. */
    void (*limit)(uint64_t bytes);
};

#endif
