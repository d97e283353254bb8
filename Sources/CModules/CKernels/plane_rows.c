// Tokens of the scan plane as floats again.
#include <string.h>

#include "CKernels.h"

typedef uint8_t ck_bytes4 __attribute__((vector_size(4)));
typedef int32_t ck_ints4 __attribute__((vector_size(16)));
typedef float ck_floats4 __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) ck_bytes4 load(const uint8_t *bytes) {
  ck_bytes4 vector;
  memcpy(&vector, bytes, sizeof vector);
  return vector;
}

// Four dimensions of a token: `scale * (codes - middle)`, both factors exact.
static inline __attribute__((always_inline)) void store(
    ck_bytes4 codes, float middle, float scale, float *row) {
  ck_floats4 values =
      __builtin_convertvector(__builtin_convertvector(codes, ck_ints4), ck_floats4);
  values = (values - middle) * scale;
  memcpy(row, &values, sizeof values);
}

void ck_plane_rows_f32(
    const struct ck_plane *plane, ptrdiff_t first, ptrdiff_t tokens, ptrdiff_t width, float *rows,
    ptrdiff_t stride) {
  for (ptrdiff_t t = 0; t < tokens; t++) {
    ptrdiff_t token = first + t;
    ptrdiff_t start = token / 16 * plane->groups * 64 + token % 16 * 4;
    const uint8_t *high = plane->high + start;
    const uint8_t *low = plane->low ? plane->low + start : NULL;
    uint32_t bits = (uint32_t)plane->scales[token] << 16;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    float middle = low ? 128.0f : 120.5f;
    float *row = rows + t * stride;
    for (ptrdiff_t column = 0; column < width; column += 8, high += 64) {
      ck_bytes4 byte = load(high);
      ck_bytes4 left = byte << 4;
      ck_bytes4 right = byte & 0xf0;
      if (low) {
        byte = load(low);
        left |= byte & 15;
        right |= byte >> 4;
        low += 64;
      }
      if (column + 8 <= width) {
        store(left, middle, scale, row + column);
        store(right, middle, scale, row + column + 4);
      } else {
        float last[8];
        store(left, middle, scale, last);
        store(right, middle, scale, last + 4);
        memcpy(row + column, last, (size_t)(width - column) * sizeof(float));
      }
    }
  }
}
