// Products of unsigned and signed bytes, four at a time, summed in 32 bits (vpdpbusd): a group's 64
// bytes are four inputs of 16 outputs, a row's four codes are broadcast.
#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_SUFFIX avx512_vnni
#define CK_TILE_ROWS 6
#define CK_TILE_BLOCKS 4
#define CK_ROW_OFFSET 0

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2"))), \
    apply_to = function)

#pragma clang fp contract(off)

// 24 of 32 registers hold sums. Ten loads for 24 products leave the multipliers busy; weights are
// asked for eight groups ahead, because the second cache is slower than they are used (on Cascade
// Lake 174 instead of 157 products a nanosecond at 768 inputs and outputs, of 302 in registers).
static inline __attribute__((always_inline)) void CK_NAME(tile)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row,
    ptrdiff_t block, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16], const int row_count,
    const int block_count) {
  ptrdiff_t pitch = 64 * layer->groups, row_pitch = 4 * layer->groups;
  const int8_t *weights = layer->codes + block * pitch;
  const uint8_t *values = rows->codes + row * row_pitch;
  __m512i tile[CK_TILE_ROWS][CK_TILE_BLOCKS];
#pragma unroll
  for (int r = 0; r < row_count; r++)
#pragma unroll
    for (int b = 0; b < block_count; b++) tile[r][b] = _mm512_setzero_si512();
  for (ptrdiff_t g = 0; g < layer->groups; g++, weights += 64, values += 4) {
    __m512i weight[CK_TILE_BLOCKS];
#pragma unroll
    for (int b = 0; b < block_count; b++) {
      weight[b] = _mm512_loadu_si512(weights + b * pitch);
      __builtin_prefetch(weights + b * pitch + 512);
    }
#pragma unroll
    for (int r = 0; r < row_count; r++) {
      int32_t four;
      memcpy(&four, values + r * row_pitch, sizeof four);
      __m512i value = _mm512_set1_epi32(four);
#pragma unroll
      for (int b = 0; b < block_count; b++)
        tile[r][b] = _mm512_dpbusd_epi32(tile[r][b], value, weight[b]);
    }
  }
#pragma unroll
  for (int r = 0; r < row_count; r++)
#pragma unroll
    for (int b = 0; b < block_count; b++) _mm512_store_si512(sums[r][b], tile[r][b]);
}

static inline void CK_NAME(linear_sums)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row, int row_count,
    ptrdiff_t block, int block_count, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
#define CK_CASE(r, b) \
  case 4 * r + b: CK_NAME(tile)(layer, rows, row, block, sums, r, b); break;
#define CK_CASES(r) CK_CASE(r, 1) CK_CASE(r, 2) CK_CASE(r, 3) CK_CASE(r, 4)
  switch (4 * row_count + block_count) {
    CK_CASES(1) CK_CASES(2) CK_CASES(3) CK_CASES(4) CK_CASES(5) CK_CASES(6)
  }
#undef CK_CASES
#undef CK_CASE
}

#include "linear_body.h"
#pragma clang attribute pop

#endif
