/* SHA-256 by the SHA extensions of x86: four rounds at a time. Gulley et al., "Intel SHA
 * Extensions" (2013), has the order in which the instructions want the state: a b e f and c d g h.
 */
#include "sha256_blocks.h"

#include <immintrin.h>

#ifndef __SHA__
#error "compile this file with -msha -msse4.1 (see the Makefile)"
#endif

static __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

/* The next four words of the message schedule, from the sixteen before them. */
static __m128i schedule(const __m128i w[4])
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]), _mm_alignr_epi8(w[3], w[2], 4));
    return _mm_sha256msg2_epu32(sum, w[3]);
}

void sha256_blocks_sha(uint32_t state[8], const unsigned char *blocks, size_t count)
{
    const __m128i big_endian = _mm_set_epi32(0x0C0D0E0F, 0x08090A0B, 0x04050607, 0x00010203);
    __m128i badc = _mm_shuffle_epi32(load(state), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(load(state + 4), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);

    for (; count; count--, blocks += 64) {
        __m128i w[4], abef_before = abef, cdgh_before = cdgh;
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(load(blocks + 16 * i), big_endian);
        for (int t = 0; t < 64; t += 4) {
            __m128i sum = _mm_add_epi32(w[0], load(sha256_round_constants + t));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
            __m128i next = schedule(w); /* in the last rounds nobody reads it */
            w[0] = w[1], w[1] = w[2], w[2] = w[3], w[3] = next;
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
