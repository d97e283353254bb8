// Products in 16 bits, which hold 255 * 127, with the compiler's vectors and no instructions of any
// one machine; they are widened and added in 32 bits.
#include "kernels_internal.h"

#define CK_SUFFIX baseline
#define CK_TILE_ROWS 1
#define CK_TILE_BLOCKS 1
#define CK_ROW_OFFSET 0

#pragma clang fp contract(off)

typedef int8_t ck_signed_bytes __attribute__((ext_vector_type(16)));
typedef uint8_t ck_bytes __attribute__((ext_vector_type(16)));
typedef int16_t ck_shorts __attribute__((ext_vector_type(16)));
typedef int32_t ck_words __attribute__((ext_vector_type(16)));

static inline void CK_NAME(linear_sums)(
    ptrdiff_t groups, const int8_t *weights, const uint8_t *values, int blocks,
    int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16]) {
  (void)blocks;  // always one
  ck_words quarters[4] = {0, 0, 0, 0};  // each four outputs of four inputs
  for (ptrdiff_t g = 0; g < groups; g++, weights += 64, values += 4 * CK_ROW_BLOCK) {
    ck_bytes value;
    for (int i = 0; i < 4; i++) memcpy((char *)&value + 4 * i, values, 4);
    ck_shorts wide = __builtin_convertvector(value, ck_shorts);
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) {
      ck_signed_bytes weight;
      memcpy(&weight, weights + 16 * quarter, sizeof weight);
      quarters[quarter] +=
          __builtin_convertvector(__builtin_convertvector(weight, ck_shorts) * wide, ck_words);
    }
  }
#pragma unroll
  for (int j = 0; j < 16; j++) {
    ck_words four = quarters[j / 4];
    sums[0][0][j] = four[j % 4 * 4] + four[j % 4 * 4 + 1] + four[j % 4 * 4 + 2] + four[j % 4 * 4 + 3];
  }
}

#include "linear_body.h"
