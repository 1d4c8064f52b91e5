/* The subcommands of lstm-train. Each gets its arguments with its own name first, as a main does,
 * and returns the exit status: 0, 1 when the work failed, 2 when it was called wrongly. */
#ifndef TRAIN_COMMANDS_H
#define TRAIN_COMMANDS_H

int command_vectors(int argc, char **argv);
int command_sentiment(int argc, char **argv);
int command_classify(int argc, char **argv);
int command_autotune(int argc, char **argv);
int command_summarize(int argc, char **argv);
int command_quantize(int argc, char **argv);
int command_linear(int argc, char **argv);
int command_tone(int argc, char **argv);
int command_rouge(int argc, char **argv);
int command_eval(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_import(int argc, char **argv);
int command_export(int argc, char **argv);
int command_list(int argc, char **argv);

#endif
