// Plain loops that the compiler vectorises as far as it can.
#include "kernels_internal.h"

#define CK_SUFFIX baseline
#define CK_PLANE_WORDS 4

static void CK_NAME(plane_products)(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t first_word,
    int word_count, ptrdiff_t first_block, ptrdiff_t block_count, float *products) {
  for (ptrdiff_t block = first_block; block < first_block + block_count; block++) {
    const uint8_t *high = plane->high + block * plane->groups * 64;
    const uint8_t *low = plane->low ? plane->low + block * plane->groups * 64 : NULL;
    for (ptrdiff_t w = first_word; w < first_word + word_count; w++) {
      uint32_t sums[16];
      for (int t = 0; t < 16; t++) sums[t] = (uint32_t)query->initial[w];
      for (ptrdiff_t g = 0; g < plane->groups; g++) {
        for (int i = 0; i < 4; i++) {
          int32_t q0 = query->codes[(2 * g * query->words + w) * 4 + i];
          int32_t q1 = query->codes[((2 * g + 1) * query->words + w) * 4 + i];
          for (int t = 0; t < 16; t++) {
            int32_t code = high[64 * g + 4 * t + i];
            int32_t c0 = code & 15, c1 = code >> 4;
            if (low) {
              int32_t rest = low[64 * g + 4 * t + i];
              c0 = 16 * c0 + (rest & 15), c1 = 16 * c1 + (rest >> 4);
            }
            sums[t] += (uint32_t)(c0 * q0 + c1 * q1);
          }
        }
      }
      for (int t = 0; t < 16; t++) {
        uint32_t bits = (uint32_t)plane->scales[16 * block + t] << 16;
        float scale;
        memcpy(&scale, &bits, sizeof scale);
        products[t] = scale * (float)(int32_t)sums[t];
      }
      products += 16;
    }
  }
}

#include "plane_body.h"

const struct ck_plane_kernels ck_plane_kernels_baseline = CK_PLANE_TABLE;
