// Products of nibbles and signed bytes in 16 bits, with the compiler's vectors and no instructions
// of any one machine. |15 * 128| = 1920, and 16 of them fit (30,720); then they are widened and
// added in 32 bits. The high nibbles of 8-bit codes are a scan of their own, times 16.
#include "kernels_internal.h"

#define CK_SUFFIX baseline
#define CK_PLANE_WORDS 4

#pragma clang fp contract(off)

typedef uint8_t ck_bytes __attribute__((ext_vector_type(16)));
typedef int8_t ck_signed_bytes __attribute__((ext_vector_type(16)));
typedef int16_t ck_shorts __attribute__((ext_vector_type(16)));

// Adds `factor` times the products of `groups` groups, at most eight, and one word to the sums of
// the 16 tokens of one block.
static inline void CK_NAME(strip)(
    const uint8_t *bytes, ptrdiff_t groups, const int8_t *codes, ptrdiff_t codes_stride,
    uint32_t factor, uint32_t *sums) {
  ck_shorts narrow[4] = {0, 0, 0, 0};  // each four tokens of four dimensions
  for (ptrdiff_t g = 0; g < groups; g++, bytes += 64, codes += 2 * codes_stride) {
    ck_signed_bytes left, right;
    for (int i = 0; i < 4; i++) {
      memcpy((char *)&left + 4 * i, codes, 4);
      memcpy((char *)&right + 4 * i, codes + codes_stride, 4);
    }
    ck_shorts left_word = __builtin_convertvector(left, ck_shorts);
    ck_shorts right_word = __builtin_convertvector(right, ck_shorts);
#pragma unroll
    for (int quarter = 0; quarter < 4; quarter++) {
      ck_bytes both;
      memcpy(&both, bytes + 16 * quarter, sizeof both);
      narrow[quarter] += __builtin_convertvector(both & 15, ck_shorts) * left_word +
                         __builtin_convertvector(both >> 4, ck_shorts) * right_word;
    }
  }
#pragma unroll
  for (int t = 0; t < 16; t++) {
    ck_shorts four = narrow[t / 4];
    int sum = four[t % 4 * 4] + four[t % 4 * 4 + 1] + four[t % 4 * 4 + 2] + four[t % 4 * 4 + 3];
    sums[t] += factor * (uint32_t)sum;
  }
}

static void CK_NAME(plane_products)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    int word_count, ptrdiff_t first_block, ptrdiff_t block_count, ptrdiff_t end_block,
    float *products) {
  (void)end_block;  // nothing is fetched ahead
  ptrdiff_t groups = plane->groups, stride = 4 * query->words;
  for (ptrdiff_t block = first_block; block < first_block + block_count; block++) {
    for (ptrdiff_t w = first_word; w < first_word + word_count; w++, products += 16) {
      uint32_t sums[16];
      for (int t = 0; t < 16; t++) sums[t] = (uint32_t)query->initial[w];
      const int8_t *codes = query->codes + 4 * w;
      for (ptrdiff_t g = 0; g < groups; g += 8, codes += 16 * stride) {
        ptrdiff_t count = groups - g < 8 ? groups - g : 8;
        ptrdiff_t place = (block * groups + g) * 64;
        CK_NAME(strip)(plane->high + place, count, codes, stride, plane->low ? 16 : 1, sums);
        if (plane->low) CK_NAME(strip)(plane->low + place, count, codes, stride, 1, sums);
      }
      for (int t = 0; t < 16; t++) {
        uint32_t bits = (uint32_t)plane->scales[16 * block + t] << 16;
        float scale;
        memcpy(&scale, &bits, sizeof scale);
        float sum = (float)(int32_t)sums[t];
        if (plane->reach) sum += (float)plane->reach[16 * block + t] * query->reach[w];
        products[t] = scale * sum;
      }
    }
  }
}

#include "plane_body.h"

const struct ck_plane_kernels ck_plane_kernels_baseline = CK_PLANE_TABLE;
