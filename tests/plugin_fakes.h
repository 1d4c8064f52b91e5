/* The fakes of the CUDA plug-in, built from tests/plugins: in the folder plugins/ beside that of
 * the test program. */
#ifndef LSTM_TESTS_PLUGIN_FAKES_H
#define LSTM_TESTS_PLUGIN_FAKES_H

/* Once, with argv[0] of a program in build/tests, which /proc does not know everywhere. Ends the
 * program where there is no such file. */
void plugin_fakes_find(const char *program);

/* The absolute path of a fake; valid until the next call. */
const char *plugin_fake(const char *name);

#endif
