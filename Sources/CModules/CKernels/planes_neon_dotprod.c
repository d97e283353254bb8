// Products of signed bytes, four at a time, summed in 32 bits (sdot). Nibbles are signed bytes as
// they are; an 8-bit code is taken less 128, and 128 times the sum of the word's codes is added to
// what the sum begins with.
#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define CK_SUFFIX neon_dotprod
#define CK_PLANE_WORDS 4

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#pragma clang fp contract(off)

// One block times `words` words: 4 * words registers (of 32) with the sums of 4 tokens each.
static inline __attribute__((always_inline)) void CK_NAME(tile)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    ptrdiff_t block, const int32_t *initial, float *products, const int words, const int bits) {
  const uint8x16_t low_half = vdupq_n_u8(0x0f);
  const uint8_t *high = plane->high + block * plane->groups * 64;
  const uint8_t *low = bits == 8 ? plane->low + block * plane->groups * 64 : NULL;
  const int8_t *codes = query->codes + first_word * 4;
  int32x4_t sums[CK_PLANE_WORDS][4];
#pragma unroll
  for (int w = 0; w < words; w++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) sums[w][quarter] = vdupq_n_s32(initial[w]);
  for (ptrdiff_t g = 0; g < plane->groups; g++, high += 64, low += bits == 8 ? 64 : 0) {
    CK_PREFETCH(high);
    if (bits == 8) CK_PREFETCH(low);
#pragma unroll
    for (int part = 0; part < 2; part++, codes += 4 * query->words) {
      int8x16_t tokens[4];
#pragma unroll
      for (int quarter = 0; quarter < 4; quarter++) {
        uint8x16_t h = vld1q_u8(high + 16 * quarter);
        if (bits == 4) {
          h = part == 0 ? vandq_u8(h, low_half) : vshrq_n_u8(h, 4);
        } else {
          // Shift left or right and insert: one nibble of each.
          uint8x16_t l = vld1q_u8(low + 16 * quarter);
          h = part == 0 ? vsliq_n_u8(l, h, 4) : vsriq_n_u8(h, l, 4);
          h = veorq_u8(h, vdupq_n_u8(0x80));
        }
        tokens[quarter] = vreinterpretq_s8_u8(h);
      }
#pragma unroll
      for (int w = 0; w < words; w++) {
        int32_t four;
        memcpy(&four, codes + 4 * w, sizeof four);
        int8x16_t word = vreinterpretq_s8_s32(vdupq_n_s32(four));
#pragma unroll
        for (int quarter = 0; quarter < 4; quarter++)
          sums[w][quarter] = vdotq_s32(sums[w][quarter], tokens[quarter], word);
      }
    }
  }
#pragma unroll
  for (int quarter = 0; quarter < 4; quarter++) {
    uint16x4_t half = vld1_u16(plane->scales + 16 * block + 4 * quarter);
    float32x4_t scale = vreinterpretq_f32_u32(vshll_n_u16(half, 16));
#pragma unroll
    for (int w = 0; w < words; w++)
      vst1q_f32(
          products + 16 * w + 4 * quarter, vmulq_f32(scale, vcvtq_f32_s32(sums[w][quarter])));
  }
}

static inline __attribute__((always_inline)) void CK_NAME(tiles)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    ptrdiff_t first_block, ptrdiff_t block_count, float *products, const int words,
    const int bits) {
  int32_t initial[CK_PLANE_WORDS];
  for (int w = 0; w < words; w++) {
    uint32_t sum = 0;
    for (ptrdiff_t part = 0; bits == 8 && part < 2 * plane->groups; part++)
      for (int i = 0; i < 4; i++)
        sum += (uint32_t)query->codes[(part * query->words + first_word + w) * 4 + i];
    initial[w] = (int32_t)((uint32_t)query->initial[first_word + w] + 128 * sum);
  }
  for (ptrdiff_t b = 0; b < block_count; b++)
    CK_NAME(tile)(
        plane, query, first_word, first_block + b, initial, products + b * words * 16, words, bits);
}

static void CK_NAME(plane_products)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    int word_count, ptrdiff_t first_block, ptrdiff_t block_count, float *products) {
#define CK_TILES(words, bits) \
  CK_NAME(tiles)(plane, query, first_word, first_block, block_count, products, words, bits)
#define CK_CASE(words)    \
  case words:             \
    if (plane->low)       \
      CK_TILES(words, 8); \
    else                  \
      CK_TILES(words, 4); \
    break;
  switch (word_count) { CK_CASE(1) CK_CASE(2) CK_CASE(3) CK_CASE(4) }
#undef CK_CASE
#undef CK_TILES
}

#include "plane_body.h"
#pragma clang attribute pop

const struct ck_plane_kernels ck_plane_kernels_neon_dotprod = CK_PLANE_TABLE;

#endif
