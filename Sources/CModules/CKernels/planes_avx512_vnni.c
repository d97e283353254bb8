// Products of unsigned and signed bytes, four at a time, summed in 32 bits (vpdpbusd): a group's 64
// bytes are four dimensions of 16 tokens, a word's four codes are broadcast.
#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_SUFFIX avx512_vnni
#define CK_PLANE_WORDS 12

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2"))), \
    apply_to = function)

#pragma clang fp contract(off)

// `blocks` blocks times `words` words. All three counts are constants where this is inlined. There
// should be ten sums or more, for two instructions per cycle of latency five; where one block has too
// few, the two halves of a group get sums of their own, rather than that two blocks are read side by
// side: memory is read fastest in one stream.
static inline __attribute__((always_inline)) void CK_NAME(tile)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    ptrdiff_t first_block, ptrdiff_t end_block, float *products, const int words, const int blocks,
    const int bits) {
  const __m512i low_half = _mm512_set1_epi8(0x0f), high_half = _mm512_set1_epi8((char)0xf0);
  ptrdiff_t pitch = plane->groups * 64;
  const uint8_t *high = plane->high + first_block * pitch;
  const uint8_t *low = bits == 8 ? plane->low + first_block * pitch : NULL;
  const uint8_t *last_high = plane->high + end_block * pitch - 64;
  const uint8_t *last_low = bits == 8 ? plane->low + end_block * pitch - 64 : NULL;
  const int8_t *codes = query->codes + first_word * 4;
  const int halves = words * blocks < 12 ? 2 : 1;
  __m512i sums[2][4][CK_PLANE_WORDS];
#pragma unroll
  for (int w = 0; w < words; w++)
#pragma unroll
    for (int b = 0; b < blocks; b++) {
      sums[0][b][w] = _mm512_set1_epi32(query->initial[first_word + w]);
      if (halves == 2) sums[1][b][w] = _mm512_setzero_si512();
    }

  for (ptrdiff_t g = 0; g < plane->groups; g++, high += 64, low += bits == 8 ? 64 : 0) {
#pragma unroll
    for (int b = 0; b < blocks; b++) {
      CK_PREFETCH(high + b * pitch, last_high);
      if (bits == 8) CK_PREFETCH(low + b * pitch, last_low);
    }
#pragma unroll
    for (int part = 0; part < 2; part++) {
      __m512i tokens[4];
#pragma unroll
      for (int b = 0; b < blocks; b++) {
        __m512i h = _mm512_loadu_si512(high + b * pitch);
        if (bits == 4) {
          tokens[b] = _mm512_and_si512(part == 0 ? h : _mm512_srli_epi32(h, 4), low_half);
        } else {
          // 0xca selects: the first operand decides between the bits of the other two.
          __m512i l = _mm512_loadu_si512(low + b * pitch);
          tokens[b] = part == 0
              ? _mm512_ternarylogic_epi32(high_half, _mm512_slli_epi32(h, 4), l, 0xca)
              : _mm512_ternarylogic_epi32(high_half, h, _mm512_srli_epi32(l, 4), 0xca);
        }
      }
#pragma unroll
      for (int w = 0; w < words; w++) {
        int32_t four;
        memcpy(&four, codes + 4 * w, sizeof four);
        __m512i word = _mm512_set1_epi32(four);
#pragma unroll
        for (int b = 0; b < blocks; b++)
          sums[part % halves][b][w] =
              _mm512_dpbusd_epi32(sums[part % halves][b][w], tokens[b], word);
      }
      codes += 4 * query->words;
    }
  }

#pragma unroll
  for (int b = 0; b < blocks; b++) {
    __m256i half = _mm256_loadu_si256((const __m256i *)(plane->scales + 16 * (first_block + b)));
    __m512 scale = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    __m512 sum[CK_PLANE_WORDS];
#pragma unroll
    for (int w = 0; w < words; w++) {
      __m512i whole = sums[0][b][w];
      if (halves == 2) whole = _mm512_add_epi32(whole, sums[1][b][w]);
      sum[w] = _mm512_cvtepi32_ps(whole);
    }
    if (plane->reach) {
      __m128i bytes =
          _mm_loadu_si128((const __m128i *)(plane->reach + 16 * (first_block + b)));
      __m512 reach = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
#pragma unroll
      for (int w = 0; w < words; w++) {
        __m512 unit = _mm512_set1_ps(query->reach[first_word + w]);
        sum[w] = _mm512_add_ps(sum[w], _mm512_mul_ps(reach, unit));
      }
    }
#pragma unroll
    for (int w = 0; w < words; w++)
      _mm512_store_ps(products + (b * words + w) * 16, _mm512_mul_ps(scale, sum[w]));
  }
}

static inline __attribute__((always_inline)) void CK_NAME(tiles)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block, float *products,
    const int words, const int bits) {
  const int blocks = words <= 2 ? 4 : words <= 4 || words > 8 ? 2 : 1;
  ptrdiff_t b = 0;
  for (; b + blocks <= block_count; b += blocks)
    CK_NAME(tile)(
        plane, query, first_word, first_block + b, end_block, products + b * words * 16, words,
        blocks, bits);
  for (; b < block_count; b++)
    CK_NAME(tile)(
        plane, query, first_word, first_block + b, end_block, products + b * words * 16, words, 1,
        bits);
}

static void CK_NAME(plane_products)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    int word_count, ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block,
    float *products) {
#define CK_TILES(words, bits) \
  CK_NAME(tiles)(             \
      plane, query, first_word, first_block, block_count, end_block, products, words, bits)
#define CK_CASE(words)             \
  case words:                      \
    if (plane->low)                \
      CK_TILES(words, 8);          \
    else                           \
      CK_TILES(words, 4);          \
    break;
  switch (word_count) {
    CK_CASE(1) CK_CASE(2) CK_CASE(3) CK_CASE(4) CK_CASE(5) CK_CASE(6)
    CK_CASE(7) CK_CASE(8) CK_CASE(9) CK_CASE(10) CK_CASE(11) CK_CASE(12)
  }
#undef CK_CASE
#undef CK_TILES
}

#include "plane_body.h"
#pragma clang attribute pop

const struct ck_plane_kernels ck_plane_kernels_avx512_vnni = CK_PLANE_TABLE;

#endif
