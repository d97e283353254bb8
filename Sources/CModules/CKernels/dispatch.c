// Picks a copy of the kernels, once, and forwards to it.
#include <stdatomic.h>

#include "kernels_internal.h"

static _Atomic(const struct ck_kernels *) chosen;

static const struct ck_kernels *kernels_of(enum ck_isa isa) {
  switch (isa) {
    case CK_ISA_SCALAR:
      return &ck_kernels_scalar;
    case CK_ISA_BASELINE:
      return &ck_kernels_baseline;
#if defined(__x86_64__)
    case CK_ISA_AVX2:
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &ck_kernels_avx2;
      return NULL;
    case CK_ISA_AVX512:
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("fma"))
        return &ck_kernels_avx512;
      return NULL;
#endif
    default:
      return NULL;
  }
}

// Two threads that come here at once choose the same table, so the race is harmless.
static const struct ck_kernels *kernels(void) {
  const struct ck_kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
  if (table) return table;
  ck_choose_isa();
  return atomic_load_explicit(&chosen, memory_order_acquire);
}

void ck_choose_isa(void) {
  const struct ck_kernels *table = kernels_of(CK_ISA_AVX512);
  if (!table) table = kernels_of(CK_ISA_AVX2);
  if (!table) table = kernels_of(CK_ISA_BASELINE);
  atomic_store_explicit(&chosen, table, memory_order_release);
}

int ck_force_isa(enum ck_isa isa) {
  const struct ck_kernels *table = kernels_of(isa);
  if (!table) return 0;
  atomic_store_explicit(&chosen, table, memory_order_release);
  return 1;
}

enum ck_isa ck_current_isa(void) { return kernels()->isa; }

void ck_layer_norm_f32(
    const float *input, ptrdiff_t input_stride, float *output, ptrdiff_t output_stride,
    ptrdiff_t rows, ptrdiff_t width, const float *gain, const float *bias, float epsilon) {
  kernels()->layer_norm_f32(
      input, input_stride, output, output_stride, rows, width, gain, bias, epsilon);
}

void ck_softmax_f32(
    float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float scale,
    ptrdiff_t visible, ptrdiff_t growth) {
  kernels()->softmax_f32(scores, stride, rows, width, scale, visible, growth);
}

void ck_bias_activation_f32(
    float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, const float *bias,
    enum ck_activation activation) {
  kernels()->bias_activation_f32(values, stride, rows, width, bias, activation);
}

void ck_normalize_f32(float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width) {
  kernels()->normalize_f32(values, stride, rows, width);
}

void ck_segment_max_f32(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride) {
  kernels()->segment_max_f32(scores, stride, bounds, segments, width, maxima, maxima_stride);
}

void ck_segment_argmax_f32(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride, int32_t *places) {
  kernels()->segment_argmax_f32(scores, stride, bounds, segments, width, maxima, maxima_stride, places);
}

void ck_row_max_f32(
    const float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float *maxima) {
  kernels()->row_max_f32(scores, stride, rows, width, maxima);
}

void ck_widen_f16(const uint16_t *halves, float *floats, ptrdiff_t count) {
  kernels()->widen_f16(halves, floats, count);
}

void ck_widen_bf16(const uint16_t *halves, float *floats, ptrdiff_t count) {
  kernels()->widen_bf16(halves, floats, count);
}

void ck_narrow_f16(const float *floats, uint16_t *halves, ptrdiff_t count) {
  kernels()->narrow_f16(floats, halves, count);
}

void ck_dot_products_f64(
    const float *words, ptrdiff_t word_count, const float *patches, ptrdiff_t patch_count,
    ptrdiff_t width, double *products) {
  kernels()->dot_products_f64(words, word_count, patches, patch_count, width, products);
}
