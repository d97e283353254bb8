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
    ptrdiff_t block, ptrdiff_t end_block, const int32_t *initial, float *products, const int words,
    const int bits) {
  const uint8x16_t low_half = vdupq_n_u8(0x0f);
  const uint8_t *high = plane->high + block * plane->groups * 64;
  const uint8_t *low = bits == 8 ? plane->low + block * plane->groups * 64 : NULL;
  const uint8_t *last_high = plane->high + end_block * plane->groups * 64 - 64;
  const uint8_t *last_low = bits == 8 ? plane->low + end_block * plane->groups * 64 - 64 : NULL;
  const int8_t *codes = query->codes + first_word * 4;
  int32x4_t sums[CK_PLANE_WORDS][4];
#pragma unroll
  for (int w = 0; w < words; w++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) sums[w][quarter] = vdupq_n_s32(initial[w]);
  for (ptrdiff_t g = 0; g < plane->groups; g++, high += 64, low += bits == 8 ? 64 : 0) {
    CK_PREFETCH(high, last_high);
    if (bits == 8) CK_PREFETCH(low, last_low);
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
    float32x4_t reach = vdupq_n_f32(0);
    if (plane->reach) {
      uint32_t four;
      memcpy(&four, plane->reach + 16 * block + 4 * quarter, sizeof four);
      uint16x8_t wide = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
      reach = vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide)));
    }
#pragma unroll
    for (int w = 0; w < words; w++) {
      float32x4_t sum = vcvtq_f32_s32(sums[w][quarter]);
      if (plane->reach)
        sum = vaddq_f32(sum, vmulq_f32(reach, vdupq_n_f32(query->reach[first_word + w])));
      vst1q_f32(products + 16 * w + 4 * quarter, vmulq_f32(scale, sum));
    }
  }
}

static inline __attribute__((always_inline)) void CK_NAME(tiles)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block, float *products,
    const int words, const int bits) {
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
        plane, query, first_word, first_block + b, end_block, initial, products + b * words * 16,
        words, bits);
}

static void CK_NAME(plane_products)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    int word_count, ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block,
    float *products) {
#define CK_TILES(words, bits) \
  CK_NAME(tiles)(             \
      plane, query, first_word, first_block, block_count, end_block, products, words, bits)
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
