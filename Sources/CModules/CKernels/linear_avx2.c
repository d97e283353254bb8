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
static inline __attribute__((always_inline)) void CK_NAME(tile)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row,
    ptrdiff_t block, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16], const int row_count) {
  ptrdiff_t pitch = 4 * layer->groups;
  const int8_t *weights = layer->codes + block * layer->groups * 64;
  const uint8_t *values = rows->codes + row * pitch;
  __m256i pairs[CK_TILE_ROWS][4];
#pragma unroll
  for (int r = 0; r < row_count; r++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) pairs[r][quarter] = _mm256_setzero_si256();
  for (ptrdiff_t g = 0; g < layer->groups; g++, weights += 64, values += 4) {
    __m256i value[CK_TILE_ROWS];
#pragma unroll
    for (int r = 0; r < row_count; r++) {
      int32_t four;
      memcpy(&four, values + r * pitch, sizeof four);
      value[r] = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
    }
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) {
      __m256i weight =
          _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(weights + 16 * quarter)));
#pragma unroll
      for (int r = 0; r < row_count; r++)
        pairs[r][quarter] =
            _mm256_add_epi32(pairs[r][quarter], _mm256_madd_epi16(value[r], weight));
    }
  }
#pragma unroll
  for (int r = 0; r < row_count; r++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      // Adding neighbours works within halves of 128 bits: outputs 0 1 4 5 2 3 6 7.
      __m256i sum = _mm256_hadd_epi32(pairs[r][2 * half], pairs[r][2 * half + 1]);
      _mm256_store_si256(
          (__m256i *)(sums[r][0] + 8 * half), _mm256_permute4x64_epi64(sum, 0xd8));
    }
}

static inline void CK_NAME(linear_sums)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row, int row_count,
    ptrdiff_t block, int block_count, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
  (void)block_count;  // always one
  switch (row_count) {
    case 1: CK_NAME(tile)(layer, rows, row, block, sums, 1); break;
    case 2: CK_NAME(tile)(layer, rows, row, block, sums, 2); break;
    case 3: CK_NAME(tile)(layer, rows, row, block, sums, 3); break;
  }
}

#include "linear_body.h"
#pragma clang attribute pop

#endif
