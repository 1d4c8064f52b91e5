/* What is compiled into the extension: the default models and the tables. */
#ifndef EXT_EMBEDDED_H
#define EXT_EMBEDDED_H

#include "model/sha256.h"

#define EMBEDDED_PREFIX \
    "default-" /* names that begin with it are ours: no row of a database can take them */
#define EMBEDDED_SENTIMENT "default-sentiment"
#define EMBEDDED_SUMMARY "default-summarize"

struct embedded {
    const char *name;
    const void *blob;
    size_t size;
    char sha256[SHA256_HEX_SIZE];
};

/* NULL: there is none of that name, or (at) that number. */
const struct embedded *embedded_find(const char *name);
const struct embedded *embedded_at(size_t i);

/* sql/schema.sql: every table, as statements that do nothing where the table exists. */
const char *embedded_schema(void);

#endif
