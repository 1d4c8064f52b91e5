/* The cell of an LSTM and its backward pass over the vector vocabulary, which the including file
 * has chosen: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; no
 * peepholes.
 */
#ifndef LSTM_CELL_MATH_H
#define LSTM_CELL_MATH_H

#include "vec_math.h"

struct cell_gates {
    v16 in, forget, update, out;
};

/* What the gates want becomes what they are; returns the new cell, whose state is out tanh(cell).
 */
static inline v16 cell_forward(struct cell_gates *z, v16 before)
{
    z->in = v16_sigmoid(z->in);
    z->forget = v16_sigmoid(z->forget);
    z->update = v16_tanh(z->update);
    z->out = v16_sigmoid(z->out);
    return v16_fma(z->forget, before, v16_mul(z->in, z->update));
}

/* The activated gates a become dz; d_cell, the gradient of the cell by later steps, becomes that of
 * the cell before. d_state is the whole gradient of the state. */
static inline void cell_backward_math(struct cell_gates *a, v16 before, v16 cell, v16 d_state,
                                      v16 *d_cell)
{
    const v16 one = v16_set1(1.0f), squashed = v16_tanh(cell);
    v16 dc = v16_fma(v16_mul(d_state, a->out), v16_fnma(squashed, squashed, one), *d_cell);
    *d_cell = v16_mul(dc, a->forget);
    v16 d_in = v16_mul(v16_mul(dc, a->update), v16_mul(a->in, v16_sub(one, a->in)));
    v16 d_update = v16_mul(v16_mul(dc, a->in), v16_fnma(a->update, a->update, one));
    a->forget = v16_mul(v16_mul(dc, before), v16_mul(a->forget, v16_sub(one, a->forget)));
    a->out = v16_mul(v16_mul(d_state, squashed), v16_mul(a->out, v16_sub(one, a->out)));
    a->in = d_in;
    a->update = d_update;
}

#endif
