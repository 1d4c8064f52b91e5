/* The state of a training run, of a classifier or (sizes.decoder > 0) a summariser, and one step of
 * it. A step's bits depend on the options and the seed alone: the batch is dealt to a fixed number
 * of shards, whose gradients are added in order, whatever the number of threads. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "model/model.h"
#include "train/dataset.h"

struct trainer_options {
    int32_t epochs;
    int32_t batch_tokens;
    double rate;      /* the highest learning rate: warms up linearly, then falls linearly to 2% */
    int32_t warmup;   /* steps */
    double clip;      /* largest norm of a step's gradient, embedding left out */
    double decay;     /* decoupled weight decay, not of the embedding */
    double drop_word; /* share of tokens replaced by the mask */
    double drop_embedding; /* locked dropout */
    double
        drop_features; /* of the classifier's features; of a summariser's outputs: locked dropout */
    double smoothing;  /* of a summariser's targets (Szegedy et al. 2016) */
    double coverage;   /* weight of a summariser's coverage loss (See et al. 2017), */
    double coverage_from;  /* which joins after this share of the steps */
    const char *precision; /* of the encoder's products: "fp32" or "bf16"; NULL: fp32 */
    int32_t shards;        /* parts of a batch: changes the bits, unlike threads */
    int32_t threads;
    uint64_t seed;
};

struct trainer_loss {
    double loss;                 /* what is minimised, summed over terms */
    double likelihood, coverage; /* of summaries: -log of the shares of their tokens; the coverage
                                    loss, unweighted */
    int64_t terms;               /* texts; for summaries their tokens, ends included */
    int32_t texts, right;
    int64_t tokens;
};

struct trainer {
    struct lstm_sizes sizes;
    struct trainer_options options;
    size_t count, padded; /* parameters; rounded up to whole vectors */
    float *params, *mean, *variance, *best;
    float *gradients;            /* shards x padded, all zero between steps */
    struct cpu_weights *weights; /* params as the kernels read them */
    struct cpu_decoder *decoder; /* the same, of a summariser; else NULL */
    float *listed;               /* not ours: where an evaluation puts its logits, or NULL */
    struct trainer_shard *shards;
    int64_t step, steps; /* done, in all */
    void *memory;
};

enum lstm_status trainer_open(const struct lstm_sizes *sizes, const struct trainer_options *options,
                              struct trainer *trainer, struct lstm_error *err);
void trainer_close(struct trainer *trainer);

/* Draws the parameters: LSTMs uniform in +-1 / sqrt(hidden) as nn.LSTM does, forget biases 1
 * (Jozefowicz et al. 2015), a small attention and classifier; a decoder's other matrices +-1 /
 * sqrt(inputs). The embedding comes from vectors (vocab x embedding), or is drawn when that is
 * NULL. */
void trainer_start(struct trainer *trainer, const float *vectors);

/* A decoder starts from these: the log of each token's share of the summaries. */
void trainer_prior(struct trainer *trainer, const float *log_shares);

void trainer_pack(struct trainer *trainer); /* after the params changed from outside */
void trainer_loss_add(const struct trainer_loss *part, struct trainer_loss *sum);

/* One step on the texts of a batch. */
enum lstm_status trainer_step(struct trainer *trainer, const struct dataset *dataset,
                              const int32_t *texts, int32_t count, struct trainer_loss *loss,
                              struct lstm_error *err);

/* Scores a whole dataset without dropout: logits, texts x classes, in the order of the dataset
 * (NULL for summaries). The loss of summaries is likelihood and weighted coverage, without
 * smoothing. */
enum lstm_status trainer_evaluate(struct trainer *trainer, const struct dataset *dataset,
                                  float *logits, struct trainer_loss *loss, struct lstm_error *err);

#endif
