// Products of numbers that were widened to 16 bits, two at a time, summed in 32 bits (vpmaddwd). The
// instruction for bytes (vpmaddubsw) would saturate: 2 * 255 * 127 does not fit 16 bits.
#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_SUFFIX avx2
#define CK_TILE_ROWS 3
#define CK_TILE_BLOCKS 1
#define CK_ROW_OFFSET 0

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#pragma clang fp contract(off)

// Twelve of sixteen registers hold the sums of three rows: four outputs and two pairs of inputs each.
static inline void CK_NAME(linear_sums)(
    ptrdiff_t groups, const int8_t *weights, const uint8_t *values, int blocks,
    int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
  (void)blocks;  // always one
  __m256i pairs[CK_TILE_ROWS][4];
#pragma unroll
  for (int r = 0; r < CK_TILE_ROWS; r++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) pairs[r][quarter] = _mm256_setzero_si256();
  for (ptrdiff_t g = 0; g < groups; g++, weights += 64, values += 4 * CK_ROW_BLOCK) {
    __m256i value[CK_TILE_ROWS];
#pragma unroll
    for (int r = 0; r < CK_TILE_ROWS; r++) {
      int32_t four;
      memcpy(&four, values + 4 * r, sizeof four);
      value[r] = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
    }
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) {
      __m256i weight =
          _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(weights + 16 * quarter)));
#pragma unroll
      for (int r = 0; r < CK_TILE_ROWS; r++)
        pairs[r][quarter] =
            _mm256_add_epi32(pairs[r][quarter], _mm256_madd_epi16(value[r], weight));
    }
  }
#pragma unroll
  for (int r = 0; r < CK_TILE_ROWS; r++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      // Adding neighbours works within halves of 128 bits: outputs 0 1 4 5 2 3 6 7.
      __m256i sum = _mm256_hadd_epi32(pairs[r][2 * half], pairs[r][2 * half + 1]);
      _mm256_store_si256(
          (__m256i *)(sums[r][0] + 8 * half), _mm256_permute4x64_epi64(sum, 0xd8));
    }
}

#include "linear_body.h"
#pragma clang attribute pop

#endif
