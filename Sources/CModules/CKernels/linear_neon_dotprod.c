// Products of signed bytes, four at a time, summed in 32 bits (sdot). The codes of rows are taken
// less 128; what that leaves out is made good with the sums of the weights.
#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define CK_SUFFIX neon_dotprod
#define CK_TILE_ROWS 6
#define CK_TILE_BLOCKS 1
#define CK_ROW_OFFSET 128

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#pragma clang fp contract(off)

// 24 of 32 registers hold the sums of four outputs each.
static inline void CK_NAME(linear_sums)(
    ptrdiff_t groups, const int8_t *weights, const uint8_t *values, int blocks,
    int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
  (void)blocks;  // always one
  int32x4_t tile[CK_TILE_ROWS][4];
#pragma unroll
  for (int r = 0; r < CK_TILE_ROWS; r++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) tile[r][quarter] = vdupq_n_s32(0);
  for (ptrdiff_t g = 0; g < groups; g++, weights += 64, values += 4 * CK_ROW_BLOCK) {
    int8x16_t weight[4];
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) weight[quarter] = vld1q_s8(weights + 16 * quarter);
#pragma unroll
    for (int r = 0; r < CK_TILE_ROWS; r++) {
      uint32_t four;
      memcpy(&four, values + 4 * r, sizeof four);
      int8x16_t value = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
#pragma unroll
      for (int quarter = 0; quarter < 4; quarter++)
        tile[r][quarter] = vdotq_s32(tile[r][quarter], weight[quarter], value);
    }
  }
#pragma unroll
  for (int r = 0; r < CK_TILE_ROWS; r++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++)
      vst1q_s32(sums[r][0] + 4 * quarter, tile[r][quarter]);
}

#include "linear_body.h"
#pragma clang attribute pop

#endif
