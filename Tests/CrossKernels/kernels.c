// Compares every copy of the kernels that promise equal bits with the scalar copy, on this machine
// or under an emulator. Exit status 0: all equal. Arguments are numbers of `enum ck_isa` that must
// be available here.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

static const int isa_count = CK_ISA_NEON_DOTPROD + 1;
static int compared[CK_ISA_NEON_DOTPROD + 1];
static int failures;

// SplitMix64.
static uint64_t state;
static uint32_t random32(void) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (uint32_t)((z ^ (z >> 31)) >> 16);
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  if (!memory) abort();
  return memory;
}

enum pattern { RANDOM, ZEROS, ONES, LARGEST_DOWN, PATTERNS };

static void fill(uint8_t *bytes, size_t count, enum pattern pattern) {
  for (size_t i = 0; i < count; i++)
    bytes[i] = pattern == RANDOM ? (uint8_t)random32() : pattern == ZEROS ? 0 : 255;
}

static void compare(
    const char *what, const float *actual, const float *expected, size_t count, int isa, int dimension,
    int words, int bits, int pattern) {
  if (memcmp(actual, expected, count * sizeof(float)) == 0) return;
  failures++;
  printf(
      "%s differs: isa %d, dimension %d, words %d, bits %d, pattern %d\n", what, isa, dimension,
      words, bits, pattern);
}

static void test_planes(int dimension, int words, enum pattern pattern) {
  // Begins inside a block; empty images; ends and begins inside, at the edge of and across blocks;
  // one image longer than a chunk of blocks.
  static const int sizes[] = {1, 0, 15, 16, 17, 50, 3, 196, 0, 530, 30, 0};
  enum { images = sizeof sizes / sizeof sizes[0] };
  uint32_t bounds[images + 1] = {7};
  for (int i = 0; i < images; i++) bounds[i + 1] = bounds[i] + (uint32_t)sizes[i];
  size_t groups = (size_t)(dimension + 7) / 8, blocks = (bounds[images] + 15) / 16;
  uint8_t *high = allocate(blocks * groups, 64), *low = allocate(blocks * groups, 64);
  uint16_t *scales = allocate(blocks * 16, 2);
  int8_t *codes = allocate(groups * 8 * (size_t)words, 1);
  int32_t *initial = allocate((size_t)words, 4);
  uint8_t *reach = allocate(blocks * 16, 1);
  float *units = allocate((size_t)words, 4);
  float *weights = allocate((size_t)words, 4);
  size_t count = images * (size_t)words;
  float *expected = allocate(count, 4), *actual = allocate(count, 4);
  fill(high, blocks * groups * 64, pattern);
  fill(low, blocks * groups * 64, pattern);
  for (size_t t = 0; t < blocks * 16; t++) {
    // Mostly 1/128 ... 1/2; also 0, -0 and negative ones.
    uint32_t kind = random32() % 16;
    uint32_t scale = 0x3c00 + random32() % 0x300;
    scales[t] = (uint16_t)(kind == 0 ? 0 : kind == 1 ? 0x8000 : kind == 2 ? scale | 0x8000 : scale);
  }
  for (size_t i = 0; i < groups * 8 * (size_t)words; i++)
    codes[i] = pattern == RANDOM ? (int8_t)random32() : pattern == LARGEST_DOWN ? -128 : 127;
  for (int w = 0; w < words; w++) {
    initial[w] = (int32_t)random32() >> 12;
    weights[w] = (float)(random32() % 1000) / 7000.0f;
    units[w] = (float)(random32() % 1000) / 7.0f;
  }
  fill(reach, blocks * 16, RANDOM);
  for (int bits = 4; bits <= 8; bits += 4) {
    struct ck_plane plane = {
        high, bits == 8 ? low : NULL, scales, words % 2 ? reach : NULL, (ptrdiff_t)groups};
    struct ck_plane_query query = {codes, initial, units, words};
    for (int sum = 0; sum < 2; sum++) {
      size_t results = sum ? images : count;
      for (int isa = 0; isa < isa_count; isa++) {
        float *out = isa == 0 ? expected : actual;
        if (!ck_force_isa((enum ck_isa)isa)) continue;
        compared[isa]++;
        memset(out, 0xaa, count * sizeof(float));
        if (sum)
          ck_plane_sum_of_max(&plane, &query, weights, bounds, images, out);
        else
          ck_plane_max(&plane, &query, bounds, images, out);
        if (isa > 0)
          compare(sum ? "sum" : "max", actual, expected, results, isa, dimension, words, bits, pattern);
        if (sum || pattern != RANDOM) continue;
        // One image at a time must give the same rows.
        for (int i = 0; i < images; i++) {
          float row[256];
          ck_plane_max(&plane, &query, bounds + i, 1, row);
          compare("row", row, expected + i * words, (size_t)words, isa, dimension, words, bits, pattern);
        }
      }
    }
  }
  free(high), free(low), free(scales), free(codes), free(initial), free(weights);
  free(reach), free(units);
  free(expected), free(actual);
}

static void test_hadamard(ptrdiff_t count) {
  double *values = allocate((size_t)count, 8), *expected = allocate((size_t)count, 8);
  double *actual = allocate((size_t)count, 8);
  for (ptrdiff_t i = 0; i < count; i++) values[i] = (double)(int32_t)random32() / 1e7;
  for (int isa = 0; isa < isa_count; isa++) {
    double *out = isa == 0 ? expected : actual;
    if (!ck_force_isa((enum ck_isa)isa)) continue;
    memcpy(out, values, (size_t)count * sizeof(double));
    ck_hadamard_f64(out, count);
    if (memcmp(out, expected, (size_t)count * sizeof(double)) == 0) continue;
    failures++;
    printf("hadamard differs: isa %d, count %td\n", isa, count);
  }
  free(values), free(expected), free(actual);
}

// A linear layer from weights and rows in floats: codes, sums and scales of both, then the output.
static void test_linear(int inputs, int outputs, int row_count, enum pattern pattern) {
  size_t groups = (size_t)(inputs + 3) / 4, blocks = (size_t)(outputs + 15) / 16;
  size_t weight_count = (size_t)(inputs * outputs), row_size = (size_t)(row_count * inputs);
  size_t code_count = blocks * groups * 64, row_blocks = (size_t)(row_count + CK_ROW_BLOCK - 1) / CK_ROW_BLOCK;
  size_t row_code_count = row_blocks * groups * 4 * CK_ROW_BLOCK;
  size_t output_count = (size_t)(row_count * outputs);
  float *weights = allocate(weight_count, 4), *rows = allocate(row_size, 4);
  float *bias = allocate((size_t)outputs, 4), *before = allocate(output_count, 4);
  int8_t *codes[2];
  uint8_t *row_codes[2];
  int32_t *sums[2], *zeros[2];
  float *scales[2], *row_scales[2], *output[2];
  for (int i = 0; i < 2; i++) {
    codes[i] = allocate(code_count, 1), row_codes[i] = allocate(row_code_count, 1);
    sums[i] = allocate((size_t)outputs, 4), zeros[i] = allocate((size_t)row_count, 4);
    scales[i] = allocate((size_t)outputs, 4), row_scales[i] = allocate((size_t)row_count, 4);
    output[i] = allocate(output_count, 4);
  }
  for (size_t i = 0; i < weight_count; i++)
    weights[i] = pattern == RANDOM ? (float)(int32_t)random32() / 1e10f
        : pattern == ZEROS ? 0.0f : pattern == ONES ? 1.0f : -1.0f;
  for (size_t i = 0; i < row_size; i++)
    rows[i] = pattern == RANDOM ? (float)(int32_t)random32() / 1e9f + 0.3f
        : pattern == ZEROS ? (float)(i % 7) : 1.0f;
  // Rows and outputs of nothing, of less than can be divided by, and of what is not a number.
  if (pattern == RANDOM && row_count > 3 && outputs > 3) {
    memset(rows + inputs, 0, (size_t)inputs * 4);
    memset(weights + inputs, 0, (size_t)inputs * 4);
    rows[0] = NAN, rows[2 * inputs] = INFINITY, weights[3 * inputs - 1] = NAN, weights[0] = 1e-38f;
  }
  for (int i = 0; i < outputs; i++) bias[i] = (float)(random32() % 1000) / 300.0f;
  for (size_t i = 0; i < output_count; i++) before[i] = (float)(random32() % 1000) / 700.0f;
  for (int keep = 0; keep < 2; keep++) {
    for (int isa = 0; isa < isa_count; isa++) {
      if (!ck_force_isa((enum ck_isa)isa)) continue;
      compared[isa]++;
      int to = isa > 0;
      ck_pack_linear_s8(weights, inputs, outputs, inputs, 0, codes[to], sums[to], scales[to]);
      ck_quantize_rows_u8(
          rows, inputs, row_count, inputs, row_codes[to], row_scales[to], zeros[to]);
      struct ck_linear layer = {
          codes[to], sums[to], scales[to], keep ? bias : NULL, (ptrdiff_t)groups, outputs};
      struct ck_linear_rows of = {row_codes[to], row_scales[to], zeros[to], row_count};
      memcpy(output[to], before, output_count * 4);
      ck_linear_s8(&layer, &of, output[to], outputs, keep, CK_IDENTITY);
      // What came of NaN may have either sign.
      for (size_t i = 0; i < output_count; i++) output[to][i] += 0.0f;
      for (size_t i = 0; i < output_count; i++)
        if (output[to][i] != output[to][i]) output[to][i] = 1e30f;
      if (to == 0) continue;
      int equal = memcmp(codes[0], codes[1], code_count) == 0 &&
          memcmp(row_codes[0], row_codes[1], row_code_count) == 0 &&
          memcmp(sums[0], sums[1], (size_t)outputs * 4) == 0 &&
          memcmp(zeros[0], zeros[1], (size_t)row_count * 4) == 0 &&
          memcmp(output[0], output[1], output_count * 4) == 0;
      if (equal) continue;
      failures++;
      printf(
          "linear differs: isa %d, inputs %d, outputs %d, rows %d, keep %d, pattern %d\n", isa,
          inputs, outputs, row_count, keep, pattern);
    }
  }
  for (int i = 0; i < 2; i++) {
    free(codes[i]), free(row_codes[i]), free(sums[i]), free(zeros[i]);
    free(scales[i]), free(row_scales[i]), free(output[i]);
  }
  free(weights), free(rows), free(bias), free(before);
}

int main(int argc, char **argv) {
  static const int dimensions[] = {1, 7, 8, 9, 31, 32, 40, 130, 520};
  for (size_t i = 0; i < sizeof dimensions / sizeof dimensions[0]; i++) {
    for (int pattern = 0; pattern < PATTERNS; pattern++) {
      // Every word count at one dimension, some at the others.
      int step = dimensions[i] == 9 && pattern == RANDOM ? 1 : dimensions[i] > 64 ? 11 : 5;
      for (int words = 1 + ((int)i + pattern) % step; words <= 35; words += step)
        test_planes(dimensions[i], words, (enum pattern)pattern);
    }
  }
  for (ptrdiff_t count = 1; count <= 4096; count *= 2) test_hadamard(count);
  test_hadamard(0);
  static const int inputs[] = {1, 3, 4, 5, 17, 64, 261};
  static const int outputs[] = {1, 7, 16, 17, 31, 48, 64, 65};
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
    for (size_t j = 0; j < sizeof outputs / sizeof outputs[0]; j++)
      for (int pattern = 0; pattern < PATTERNS; pattern++)
        // Every row count at one size, some at the others.
        for (int rows = inputs[i] == 17 ? 1 : 1 + (int)(i + j) % 6; rows <= 13;
             rows += inputs[i] == 17 && pattern == RANDOM ? 1 : 6)
          test_linear(inputs[i], outputs[j], rows, (enum pattern)pattern);
  for (int i = 1; i < argc; i++) {
    if (compared[atoi(argv[i])] > 0) continue;
    failures++;
    printf("instruction set %s is not available here\n", argv[i]);
  }
  for (int isa = 0; isa < isa_count; isa++)
    if (compared[isa] > 0) printf("instruction set %d: %d runs\n", isa, compared[isa]);
  printf(failures ? "%d failures\n" : "all equal\n", failures);
  return failures ? 1 : 0;
}
