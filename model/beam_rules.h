/* The rules of the beam search (beam.h), one by one: what the search on any device shares. Plain
 * arithmetic on numbers and short arrays, without memory of its own. */
#ifndef LSTM_BEAM_RULES_H
#define LSTM_BEAM_RULES_H

#include "tokenizer.h"

#include <float.h>
#include <math.h>

#ifndef BEAM_RULE /* a compiler for another processor says how */
#define BEAM_RULE static inline
#endif

/* ---- numbers ---- */

/* The natural logarithm, of the smallest normal number where x is below it. By basic operations
 * alone, so that it is the same on every machine: log x = e log 2 + 2 artanh((m - 1) / (m + 1)) for
 * x = m 2^e, m in 0.7 .. 1.4. */
BEAM_RULE double beam_log(double x)
{
    int exponent;
    double m = frexp(x > (double)FLT_MIN ? x : (double)FLT_MIN, &exponent);
    if (m < 0.70710678118654752)
        m *= 2.0, exponent--;
    double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
    for (int power = 21; power >= 1; power -= 2)
        sum = sum * square + 1.0 / power;
    return exponent * 0.69314718055994531 + 2.0 * s * sum;
}

/* What the log share of a summary of so many tokens, the end included, is divided by. exp: one that
 * is the same on every machine. */
BEAM_RULE double beam_penalty(float length_penalty, int32_t count, float (*exponential)(float))
{
    return (double)exponential((float)((double)length_penalty * beam_log((5.0 + count) / 6.0)));
}

/* ---- what may follow ---- */

/* How many bytes the character has that this byte token begins; 0: none does. */
BEAM_RULE int32_t beam_character_size(int32_t token)
{
    int32_t byte = token - LSTM_TOKEN_BYTES;
    return byte < 0x80   ? 1
           : byte < 0xC2 ? 0
           : byte < 0xE0 ? 2
           : byte < 0xF0 ? 3
           : byte < 0xF5 ? 4
                         : 0;
}

/* May this byte token begin a character in a summary of count tokens? */
BEAM_RULE int beam_begins(int32_t token, int32_t count, int32_t max_tokens)
{
    const int32_t size = beam_character_size(token);
    return size > 0 && count + size <= max_tokens;
}

/* Would tokens[i + 2] written after a summary of count tokens repeat the trigram at i? */
BEAM_RULE int beam_repeats_at(const int32_t *tokens, int32_t count, int32_t i)
{
    return i + 2 < count && tokens[i] == tokens[count - 2] && tokens[i + 1] == tokens[count - 1];
}

/* Do the bytes that a summary has begun a character with stand in the source before position i? */
BEAM_RULE int beam_spells_at(const int32_t *source, int32_t i, const int32_t *begun, int32_t count)
{
    for (int32_t j = 0; j < count; j++)
        if (i < count || source[i - count + j] != begun[j])
            return 0;
    return 1;
}

/* Tokens from LSTM_TOKEN_BYTES up to this one may follow, where no other rule speaks against it.
 * pending: bytes that are to come of an unfinished character. */
BEAM_RULE int32_t beam_limit(int32_t count, int32_t pending, int32_t max_tokens, int32_t vocab)
{
    return count == max_tokens ? LSTM_TOKEN_BYTES : pending ? LSTM_TOKEN_FIRST : vocab;
}

/* May the end follow? others: how many other tokens do. */
BEAM_RULE int beam_may_end(int32_t others, int32_t count, int32_t pending, int32_t min_tokens)
{
    return others == 0 || (count >= min_tokens && !pending);
}

/* Bytes that are to come after this token. */
BEAM_RULE int32_t beam_pending_after(int32_t pending, int32_t token)
{
    return pending ? pending - 1 : token < LSTM_TOKEN_FIRST ? beam_character_size(token) - 1 : 0;
}

/* ---- the competition ---- */

/* Does a candidate (its score, the row it follows, its token) come before another? */
BEAM_RULE int beam_precedes(double score, int32_t row, int32_t token, double other_score,
                            int32_t other_row, int32_t other_token)
{
    return score != other_score ? score > other_score
           : row != other_row   ? row < other_row
                                : token < other_token;
}

/* Does a summary that ends win over the best of those that have (ended of them)? A rank is a score
 * by length; one that ends within a character loses to any that does not. */
BEAM_RULE int beam_wins(double rank, int32_t pending, int32_t ended, double best_rank,
                        int32_t best_pending)
{
    if (ended == 0)
        return 1;
    return !pending == !best_pending ? rank > best_rank : best_pending != 0;
}

#endif
