// What the parts of a ViT-B/16 in 8 bits take, and how near its products come to the processor's peak.
// See README.md.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "CKernels.h"

enum { width = 768, inner = 3072, heads = 12, head_width = 64, tokens = 197, images = 8 };
enum { rows = tokens * images, run = 96, block = 336, layers = 12, distinct = 4 };

enum part { NORM, QUANTIZE, QKV, ATTENTION, OUTPUT, INNER, ACTIVATION, OUTER, PARTS };
static const char *const names[PARTS] = {
    "norm", "quantise", "queries, keys, values", "attention", "output", "inner", "activation",
    "outer"};
static double seconds[PARTS];

// Processor time: other programs take part of the other kind.
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *allocate(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!memory) exit(1);
  return memory;
}

static float *matrix(size_t count, float scale) {
  static uint32_t random = 1;
  float *values = allocate(count * sizeof *values);
  for (size_t i = 0; i < count; i++) {
    random = random * 1664525 + 1013904223;
    values[i] = scale * ((float)(random >> 8) / (1 << 24) - 0.5f);
  }
  return values;
}

static struct ck_linear layer(ptrdiff_t inputs, ptrdiff_t outputs) {
  float *weights = matrix((size_t)(inputs * outputs), 0.1f);
  int8_t *codes = allocate((size_t)(inputs * outputs));
  int32_t *sums = allocate((size_t)outputs * sizeof *sums);
  float *scales = allocate((size_t)outputs * sizeof *scales);
  ck_pack_linear_s8(weights, inputs, outputs, inputs, 0, codes, sums, scales);
  free(weights);
  return (struct ck_linear){codes, sums, scales, matrix((size_t)outputs, 0.1f), inputs / 4, outputs};
}

static uint8_t codes[block * inner];
static float scales[block];
static int32_t zeros[block];

// One layer on `count` rows, in blocks as Sources/LinearAlgebra/QuantizedWeights.swift cuts them.
static void apply(
    enum part part, const struct ck_linear *layer, const float *input, ptrdiff_t stride,
    ptrdiff_t count, float *output, int keep) {
  ptrdiff_t inputs = 4 * layer->groups, most = inputs > width ? 84 : block;
  for (ptrdiff_t first = 0; first < count; first += most) {
    ptrdiff_t some = count - first < most ? count - first : most;
    double start = now();
    ck_quantize_rows_u8(input + first * stride, stride, some, inputs, codes, scales, zeros);
    double middle = now();
    struct ck_linear_rows of = {codes, scales, zeros, some};
    ck_linear_s8(
        layer, &of, output + first * layer->outputs, layer->outputs, keep, CK_IDENTITY);
    seconds[QUANTIZE] += middle - start;
    seconds[part] += now() - middle;
  }
}

static void norm(
    const float *input, ptrdiff_t count, float *output, const float *gain, const float *bias) {
  double start = now();
  ck_layer_norm_f32(input, width, output, width, count, width, gain, bias, 1e-5f);
  seconds[NORM] += now() - start;
}

int main(int argc, char **argv) {
  int repetitions = argc > 1 ? atoi(argv[1]) : 5;
  // Several sets of weights, so that one layer's are not in the caches when it begins.
  struct ck_linear qkv[distinct], out[distinct], in[distinct], back[distinct];
  for (int i = 0; i < distinct; i++) {
    qkv[i] = layer(width, 3 * width), out[i] = layer(width, width);
    in[i] = layer(width, inner), back[i] = layer(inner, width);
  }
  float *state = matrix(rows * width, 1), *normed = matrix(rows * width, 1);
  float *fused = matrix(rows * 3 * width, 1), *mixed = matrix(rows * width, 1);
  float *hidden = matrix(run * inner, 1), *gain = matrix(width, 1), *bias = matrix(width, 1);
  float *scratch = allocate((size_t)ck_attention_scratch(tokens, head_width) * sizeof *scratch);
  double best[PARTS], total = 1e9, peak = 0;
  for (int repetition = 0; repetition < repetitions; repetition++) {
    for (int i = 0; i < PARTS; i++) seconds[i] = 0;
    for (int l = 0; l < layers; l++) {
      int set = l % distinct;
      for (ptrdiff_t row = 0; row < rows; row += run) {
        ptrdiff_t count = rows - row < run ? rows - row : run;
        norm(state + row * width, count, normed, gain, bias);
        apply(QKV, &qkv[set], normed, width, count, fused + row * 3 * width, 0);
      }
      double start = now();
      for (int image = 0; image < images; image++) {
        for (int head = 0; head < heads; head++) {
          const float *queries = fused + image * tokens * 3 * width + head * head_width;
          struct ck_attention attention = {
              queries, queries + width, queries + 2 * width, 3 * width, 3 * width, 3 * width, tokens,
              tokens, head_width, 0.125f, tokens, 0,
              mixed + image * tokens * width + head * head_width, width, 0};
          ck_attention_f32(&attention, scratch);
        }
      }
      seconds[ATTENTION] += now() - start;
      for (ptrdiff_t row = 0; row < rows; row += run) {
        ptrdiff_t count = rows - row < run ? rows - row : run;
        float *some = state + row * width;
        apply(OUTPUT, &out[set], mixed + row * width, width, count, some, 1);
        norm(some, count, normed, gain, bias);
        apply(INNER, &in[set], normed, width, count, hidden, 0);
        start = now();
        ck_bias_activation_f32(hidden, inner, count, inner, NULL, CK_GELU_QUICK);
        seconds[ACTIVATION] += now() - start;
        apply(OUTER, &back[set], hidden, inner, count, some, 1);
        // Random layers would let it grow without end.
        for (ptrdiff_t i = 0; i < count * width; i++) some[i] *= 0.5f;
      }
    }
    double sum = 0;
    for (int i = 0; i < PARTS; i++) sum += seconds[i];
    if (sum < total) {
      total = sum;
      for (int i = 0; i < PARTS; i++) best[i] = seconds[i];
    }
    int32_t result;
    double start = now(), products = ck_multiply_in_registers(5000000, &result);
    double rate = products / (now() - start);
    peak = rate > peak ? rate : peak;
  }
  double products[PARTS] = {0};
  products[QKV] = 3.0 * width * width, products[OUTPUT] = (double)width * width;
  products[INNER] = products[OUTER] = (double)width * inner;
  products[ATTENTION] = 2.0 * tokens * width;
  printf(
      "instruction set %d, best of %d; in registers %.0f G multiply-adds/s\n\n"
      "| part | ms an image | share | G multiply-adds/s |\n| --- | ---: | ---: | ---: |\n",
      ck_current_isa(), repetitions, peak * 1e-9);
  for (int i = 0; i < PARTS; i++) {
    printf("| %s | %.1f | %.0f %% | ", names[i], best[i] * 1e3 / images, 100 * best[i] / total);
    if (products[i] > 0)
      printf("%.0f |\n", products[i] * rows * layers / best[i] * 1e-9);
    else
      printf("– |\n");
  }
  printf("| all blocks | %.1f | 100 %% | |\n", total * 1e3 / images);
  return 0;
}
