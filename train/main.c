/* lstm-train: trains, evaluates and lists the models that the extension scores with. */
#include "train/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "vectors", command_vectors, "learn a vocabulary and word vectors from unlabelled text" },
    { "sentiment", command_sentiment, "train a model of negative and positive texts" },
    { "classify", command_classify, "train a classifier of any labels" },
    { "autotune", command_autotune, "search the best settings for either within a time budget" },
    { "summarize", command_summarize, "train a model that summarises texts" },
    { "quantize", command_quantize, "make int8 of a model of floats, and say what was lost" },
    { "tone", command_tone, "teach a summariser to tell the tone of a text" },
    { "linear", command_linear, "score rows by a linear model of n-grams, a second teacher" },
    { "rouge", command_rouge, "compare outputs with references, row by row, into a table" },
    { "eval", command_eval, "measure a model on labelled rows, through the SQL functions" },
    { "compare", command_compare, "measure two classifiers on the same rows" },
    { "import", command_import, "make a model of a PyTorch state dict" },
    { "export", command_export, "make a PyTorch state dict of a model" },
    { "list", command_list, "list the models in a database" },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *to)
{
    fprintf(to, "usage: lstm-train COMMAND [--option value]...\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\nlstm-train COMMAND --help lists the options of a command.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        usage(stdout);
        return 0;
    }
    if (*name)
        fprintf(stderr, "lstm-train: unknown command %s\n\n", name);
    usage(stderr);
    return 2;
}
