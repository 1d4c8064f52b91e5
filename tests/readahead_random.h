/* Random SQL that calls our functions from everywhere: schemas and statements of every form that
 * read-ahead meets, the same from the same seed. */
#ifndef LSTM_TESTS_READAHEAD_RANDOM_H
#define LSTM_TESTS_READAHEAD_RANDOM_H

#include <stdint.h>

struct random_sql {
    uint64_t state;
    int depth;  /* of the expression being written */
    int tables; /* t0, t1, ...: id, a (texts), b (small integers), c (reals), d (texts) */
};

struct random_sql random_sql_begin(uint64_t seed);

/* 0..below - 1 */
int random_below(struct random_sql *random, int below);

/* The statements of a schema with its rows, one text; free it with sqlite3_free, as the others. */
char *random_schema(struct random_sql *random);

/* One statement that reads or writes rows, or rarely changes the schema or the transaction. */
char *random_statement(struct random_sql *random);
char *random_select(struct random_sql *random);

#endif
