/* The parts of `make bench`. Each runs in a process of its own, so that threads, memory and the
 * processors it is bound to are its own too. */
#ifndef LSTM_BENCH_PARTS_H
#define LSTM_BENCH_PARTS_H

/* texts: a database with the table texts(id, body). */
void bench_int8(const char *texts);
void bench_fp32(const char *texts);
void bench_decoder(const char *texts);
void bench_tokenizer(const char *texts);
void bench_readahead(const char *texts);
void bench_threads(const char *texts);
void bench_training(const char *texts);
void bench_shipped(const char *texts);
void bench_shares(const char *texts);
void bench_chart(const char *texts);

#endif
