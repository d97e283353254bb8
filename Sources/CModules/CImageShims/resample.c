// The two inner loops of resampling. In C because the same loops in Swift are twenty times slower
// in test builds, which are not optimised.
#include "CImageShims.h"

#if defined(__x86_64__)
// Without SSE 4.1 there is no product of 32-bit integers.
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

static inline uint8_t clipped(int32_t sum) {
  int32_t value = sum >> FILIP_WEIGHT_BITS;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static const int32_t half = 1 << (FILIP_WEIGHT_BITS - 1);

FOR_EACH_PROCESSOR
void filip_mix_columns(const uint8_t *source, size_t row_size, size_t row_count,
                       const filip_mix *mix, uint8_t *target) {
  for (size_t row = 0; row < row_count; row++, source += row_size) {
    const int32_t *weights = mix->weights;
    for (size_t column = 0; column < mix->size; column++, weights += mix->capacity, target += 3) {
      const uint8_t *pixel = source + (size_t)mix->first[column] * 3;
      int32_t red = half, green = half, blue = half;
      for (int32_t tap = 0; tap < mix->count[column]; tap++, pixel += 3) {
        red += pixel[0] * weights[tap];
        green += pixel[1] * weights[tap];
        blue += pixel[2] * weights[tap];
      }
      target[0] = clipped(red);
      target[1] = clipped(green);
      target[2] = clipped(blue);
    }
  }
}

FOR_EACH_PROCESSOR
void filip_mix_rows(const uint8_t *source, size_t row_size, size_t used_size,
                    const filip_mix *mix, uint8_t *target) {
  enum { block = 256 };
  for (size_t row = 0; row < mix->size; row++, target += used_size) {
    const int32_t *weights = mix->weights + row * mix->capacity;
    const uint8_t *top = source + (size_t)mix->first[row] * row_size;
    for (size_t start = 0; start < used_size; start += block) {
      size_t width = used_size - start < block ? used_size - start : block;
      int32_t sums[block];
      for (size_t byte = 0; byte < width; byte++) sums[byte] = half;
      for (int32_t tap = 0; tap < mix->count[row]; tap++) {
        const uint8_t *line = top + (size_t)tap * row_size + start;
        int32_t weight = weights[tap];
        for (size_t byte = 0; byte < width; byte++) sums[byte] += line[byte] * weight;
      }
      for (size_t byte = 0; byte < width; byte++) target[start + byte] = clipped(sums[byte]);
    }
  }
}
