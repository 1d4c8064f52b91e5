/* Runs a command of lstm-train inside the test and catches what it prints. */
#ifndef LSTM_TESTS_COMMAND_H
#define LSTM_TESTS_COMMAND_H

enum { COMMAND_WORDS_MAX = 40, COMMAND_OUTPUT_MAX = 16384 };

/* words: the arguments, the command's own name first, up to a NULL. Returns stdout and stderr as
 * one text, valid until the next call; the exit status goes to *status. */
const char *command_output(int (*command)(int argc, char **argv), const char *const *words,
                           int *status);

#endif
