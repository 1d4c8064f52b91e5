/* Command-line options as a table: one line an option gives its name, where its value goes, its
 * bounds and its help. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "model/error.h"

#include <stddef.h>
#include <stdint.h>

enum option_type { OPTION_TEXT, OPTION_INT, OPTION_SEED, OPTION_REAL, OPTION_FLAG };

struct option_spec {
    const char *name; /* "--epochs" */
    enum option_type type;
    void *value; /* const char ** | int32_t * | uint64_t * | double * | int *; holds the default
                    beforehand */
    double low, high; /* bounds of OPTION_INT and OPTION_REAL; a default beyond them is not shown:
                         what it stands for is said in help */
    const char *help;
};

/* "--name value" or "--name=value"; flags take no value. Errors name the option, the value, the
 * bounds, and for an unknown option the nearest known ones. */
enum lstm_status options_parse(int argc, char **argv, const struct option_spec *specs, size_t count,
                               struct lstm_error *err);
/* Whether an option of that name stands among the words. */
int options_given(int argc, char **argv, const char *name);

void options_help(const struct option_spec *specs, size_t count); /* to stdout, defaults included */

#endif
