#include "embedded.h"

#include <pthread.h>
#include <string.h>

/* From embedded_files.S, which gives each a symbol for its first byte and one for the byte behind its last. */
extern const unsigned char lstm_embedded_sentiment[], lstm_embedded_sentiment_end[];
extern const char lstm_embedded_schema[];

static struct embedded models[1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The hash is what a model is known by; it takes some milliseconds, so it waits until somebody asks. */
static void prepare(void)
{
    models[0] = (struct embedded){ .name = EMBEDDED_SENTIMENT,
                                   .blob = lstm_embedded_sentiment,
                                   .size = (size_t)(lstm_embedded_sentiment_end - lstm_embedded_sentiment) };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        unsigned char digest[SHA256_SIZE];
        sha256_of(models[i].blob, models[i].size, digest);
        sha256_hex(digest, models[i].sha256);
    }
}

const struct embedded *embedded_at(size_t i)
{
    pthread_once(&once, prepare);
    return i < sizeof models / sizeof *models ? &models[i] : NULL;
}

const struct embedded *embedded_find(const char *name)
{
    const struct embedded *model;
    for (size_t i = 0; (model = embedded_at(i)); i++)
        if (!strcmp(model->name, name))
            return model;
    return NULL;
}

const char *embedded_schema(void)
{
    return lstm_embedded_schema;
}
