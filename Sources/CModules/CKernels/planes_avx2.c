// Products of nibbles and signed bytes, two at a time in 16 bits (vpmaddubsw), which do not
// saturate: |2 * 15 * 128| = 3840. Eight of them fit 16 bits (30,720); then they are widened and
// added in 32 bits. The high nibbles of 8-bit codes are a scan of their own, times 16.
#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_SUFFIX avx2
#define CK_PLANE_WORDS 4

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#pragma clang fp contract(off)

// Adds the products of `groups` groups, at most four, to the sums of one block: (words, 2 halves
// of 8 tokens).
static inline __attribute__((always_inline)) void CK_NAME(strip)(
    const uint8_t *bytes, const uint8_t *last, ptrdiff_t groups, const int8_t *codes,
    ptrdiff_t codes_stride, int16_t factor, __m256i sums[CK_PLANE_WORDS][2], const int words) {
  const __m256i low_half = _mm256_set1_epi8(0x0f);
  __m256i narrow[CK_PLANE_WORDS][2];
#pragma unroll
  for (int w = 0; w < words; w++) narrow[w][0] = narrow[w][1] = _mm256_setzero_si256();
  for (ptrdiff_t g = 0; g < groups; g++, bytes += 64) {
    CK_PREFETCH(bytes, last);
    __m256i left = _mm256_loadu_si256((const __m256i *)bytes);
    __m256i right = _mm256_loadu_si256((const __m256i *)(bytes + 32));
#pragma unroll
    for (int part = 0; part < 2; part++, codes += codes_stride) {
      __m256i l = _mm256_and_si256(part == 0 ? left : _mm256_srli_epi32(left, 4), low_half);
      __m256i r = _mm256_and_si256(part == 0 ? right : _mm256_srli_epi32(right, 4), low_half);
#pragma unroll
      for (int w = 0; w < words; w++) {
        int32_t four;
        memcpy(&four, codes + 4 * w, sizeof four);
        __m256i word = _mm256_set1_epi32(four);
        narrow[w][0] = _mm256_add_epi16(narrow[w][0], _mm256_maddubs_epi16(l, word));
        narrow[w][1] = _mm256_add_epi16(narrow[w][1], _mm256_maddubs_epi16(r, word));
      }
    }
  }
  __m256i factors = _mm256_set1_epi16(factor);
#pragma unroll
  for (int w = 0; w < words; w++)
#pragma unroll
    for (int half = 0; half < 2; half++)
      sums[w][half] =
          _mm256_add_epi32(sums[w][half], _mm256_madd_epi16(narrow[w][half], factors));
}

static inline __attribute__((always_inline)) void CK_NAME(tiles)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block, float *products,
    const int words) {
  ptrdiff_t groups = plane->groups, stride = 4 * query->words;
  for (ptrdiff_t block = first_block; block < first_block + block_count; block++) {
    __m256i sums[CK_PLANE_WORDS][2];
#pragma unroll
    for (int w = 0; w < words; w++)
      sums[w][0] = sums[w][1] = _mm256_set1_epi32(query->initial[first_word + w]);
    const int8_t *codes = query->codes + first_word * 4;
    for (ptrdiff_t g = 0; g < groups; g += 4, codes += 8 * stride) {
      ptrdiff_t count = groups - g < 4 ? groups - g : 4;
      ptrdiff_t place = (block * groups + g) * 64, last = end_block * groups * 64 - 64;
      CK_NAME(strip)(
          plane->high + place, plane->high + last, count, codes, stride, plane->low ? 16 : 1, sums,
          words);
      if (plane->low)
        CK_NAME(strip)(
            plane->low + place, plane->low + last, count, codes, stride, 1, sums, words);
    }
    for (int half = 0; half < 2; half++) {
      __m128i bits =
          _mm_loadu_si128((const __m128i *)(plane->scales + 16 * block + 8 * half));
      __m256 scale = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
      __m256 reach = _mm256_setzero_ps();
      if (plane->reach) {
        __m128i bytes =
            _mm_loadl_epi64((const __m128i *)(plane->reach + 16 * block + 8 * half));
        reach = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
      }
#pragma unroll
      for (int w = 0; w < words; w++) {
        __m256 sum = _mm256_cvtepi32_ps(sums[w][half]);
        if (plane->reach) {
          __m256 unit = _mm256_set1_ps(query->reach[first_word + w]);
          sum = _mm256_add_ps(sum, _mm256_mul_ps(reach, unit));
        }
        _mm256_store_ps(products + 16 * w + 8 * half, _mm256_mul_ps(scale, sum));
      }
    }
    products += 16 * words;
  }
}

static void CK_NAME(plane_products)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    int word_count, ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block,
    float *products) {
#define CK_CASE(words)                                                                     \
  case words:                                                                              \
    CK_NAME(tiles)(                                                                        \
        plane, query, first_word, first_block, block_count, end_block, products, words);   \
    break;
  switch (word_count) { CK_CASE(1) CK_CASE(2) CK_CASE(3) CK_CASE(4) }
#undef CK_CASE
}

#include "plane_body.h"
#pragma clang attribute pop

const struct ck_plane_kernels ck_plane_kernels_avx2 = CK_PLANE_TABLE;

#endif
