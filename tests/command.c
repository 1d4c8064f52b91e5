#include "tests/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *command_output(int (*command)(int argc, char **argv), const char *const *words,
                           int *status)
{
    static char text[COMMAND_OUTPUT_MAX];
    char *argv[COMMAND_WORDS_MAX + 1];
    const int streams[2] = { STDOUT_FILENO, STDERR_FILENO };
    int argc = 0, real[2];
    FILE *caught = tmpfile();
    if (!caught)
        abort();
    for (; words[argc] && argc < COMMAND_WORDS_MAX; argc++)
        if (!(argv[argc] = strdup(words[argc])))
            abort();
    argv[argc] = NULL;
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        real[i] = dup(streams[i]);
        dup2(fileno(caught), streams[i]);
    }
    *status = command(argc, argv);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(real[i], streams[i]);
        close(real[i]);
    }
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    fclose(caught);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return text;
}
