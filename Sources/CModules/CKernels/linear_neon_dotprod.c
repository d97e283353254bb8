// Products of signed bytes, four at a time, summed in 32 bits (sdot). The codes of rows are taken
// less 128; what that leaves out is made good with the sums of the weights.
#include "kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define CK_SUFFIX neon_dotprod
#define CK_TILE_ROWS 5
#define CK_TILE_BLOCKS 1
#define CK_ROW_OFFSET 128

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#pragma clang fp contract(off)

// 20 of 32 registers hold the sums of four outputs each.
static inline __attribute__((always_inline)) void CK_NAME(tile)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row,
    ptrdiff_t block, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16], const int row_count) {
  ptrdiff_t pitch = 4 * layer->groups;
  const int8_t *weights = layer->codes + block * layer->groups * 64;
  const uint8_t *values = rows->codes + row * pitch;
  int32x4_t tile[CK_TILE_ROWS][4];
#pragma unroll
  for (int r = 0; r < row_count; r++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) tile[r][quarter] = vdupq_n_s32(0);
  for (ptrdiff_t g = 0; g < layer->groups; g++, weights += 64, values += 4) {
    int8x16_t weight[4];
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) weight[quarter] = vld1q_s8(weights + 16 * quarter);
#pragma unroll
    for (int r = 0; r < row_count; r++) {
      uint32_t four;
      memcpy(&four, values + r * pitch, sizeof four);
      int8x16_t value = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
#pragma unroll
      for (int quarter = 0; quarter < 4; quarter++)
        tile[r][quarter] = vdotq_s32(tile[r][quarter], weight[quarter], value);
    }
  }
#pragma unroll
  for (int r = 0; r < row_count; r++)
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++)
      vst1q_s32(sums[r][0] + 4 * quarter, tile[r][quarter]);
}

static inline void CK_NAME(linear_sums)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row, int row_count,
    ptrdiff_t block, int block_count, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
  (void)block_count;  // always one
  switch (row_count) {
    case 1: CK_NAME(tile)(layer, rows, row, block, sums, 1); break;
    case 2: CK_NAME(tile)(layer, rows, row, block, sums, 2); break;
    case 3: CK_NAME(tile)(layer, rows, row, block, sums, 3); break;
    case 4: CK_NAME(tile)(layer, rows, row, block, sums, 4); break;
    case 5: CK_NAME(tile)(layer, rows, row, block, sums, 5); break;
  }
}

#include "linear_body.h"
#pragma clang attribute pop


#endif
