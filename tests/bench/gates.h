/* How fast a core computes what stands between the products of an LSTM, on data in its first cache:
 * with AVX-512 by the shortest code known to us, which is not the engine's, so that the limit is
 * not measured by what is compared with it; elsewhere by the engine's own kernels. */
#ifndef LSTM_BENCH_GATES_H
#define LSTM_BENCH_GATES_H

/* Work for race_slice. isa: NULL for the best there is, or a name as in cpu_kernels_pick. */
double gates_cells(void *isa); /* updates of a cell: i f g o to c and h */
double gates_tanhs(void *isa);
double gates_exps(void *isa);

#endif
