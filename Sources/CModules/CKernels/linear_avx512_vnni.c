// Products of unsigned and signed bytes, four at a time, summed in 32 bits (vpdpbusd): a group's 64
// bytes are four inputs of 16 outputs, a row's four codes are broadcast.
#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_SUFFIX avx512_vnni
#define CK_TILE_ROWS 12
#define CK_TILE_BLOCKS 2
#define CK_ROW_OFFSET 0

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2"))), \
    apply_to = function)

#pragma clang fp contract(off)

// 24 of 32 registers hold sums. Two loads of weights serve 24 products, so that the second cache,
// from which they come, keeps up; they are asked for eight groups ahead.
static inline __attribute__((always_inline)) void CK_NAME(tile)(
    ptrdiff_t groups, const int8_t *weights, const uint8_t *values,
    int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16], const int blocks) {
  ptrdiff_t pitch = 64 * groups;
  __m512i tile[CK_TILE_ROWS][CK_TILE_BLOCKS];
#pragma unroll
  for (int r = 0; r < CK_TILE_ROWS; r++)
#pragma unroll
    for (int b = 0; b < blocks; b++) tile[r][b] = _mm512_setzero_si512();
  for (ptrdiff_t g = 0; g < groups; g++, weights += 64, values += 4 * CK_ROW_BLOCK) {
    __m512i weight[CK_TILE_BLOCKS];
#pragma unroll
    for (int b = 0; b < blocks; b++) {
      weight[b] = _mm512_loadu_si512(weights + b * pitch);
      __builtin_prefetch(weights + b * pitch + 512);
    }
#pragma unroll
    for (int r = 0; r < CK_TILE_ROWS; r++) {
      int32_t four;
      memcpy(&four, values + 4 * r, sizeof four);
      __m512i value = _mm512_set1_epi32(four);
#pragma unroll
      for (int b = 0; b < blocks; b++)
        tile[r][b] = _mm512_dpbusd_epi32(tile[r][b], value, weight[b]);
    }
  }
#pragma unroll
  for (int r = 0; r < CK_TILE_ROWS; r++)
#pragma unroll
    for (int b = 0; b < blocks; b++) _mm512_store_si512(sums[r][b], tile[r][b]);
}

static inline void CK_NAME(linear_sums)(
    ptrdiff_t groups, const int8_t *weights, const uint8_t *values, int blocks,
    int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
  if (blocks == 1)
    CK_NAME(tile)(groups, weights, values, sums, 1);
  else
    CK_NAME(tile)(groups, weights, values, sums, 2);
}

#include "linear_body.h"
#pragma clang attribute pop

#endif
