/* A plug-in that needs a library which is nowhere (the Makefile sees to it), as lstm_cuda.so does
 * where there is no cuBLAS. */
extern int something_absent(void);
extern int (*const lstm_plugin)(void);
__attribute__((visibility("default"))) int (*const lstm_plugin)(void) = something_absent;
