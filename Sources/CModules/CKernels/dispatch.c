// Picks the best level of this machine, once, and forwards to its kernels.
#include <stdatomic.h>

#include "kernels_internal.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static int always(void) { return 1; }

#if defined(__x86_64__)
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && has_avx2();
}

static int has_avx512_vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
#elif defined(__aarch64__)
static int has_neon_dotprod(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#endif

struct ck_level {
  enum ck_isa isa;
  const struct ck_row_kernels *rows;
  const struct ck_plane_kernels *planes;
  ck_linear_kernel *linear;
  int (*available)(void);
};

// Better ones later.
static const struct ck_level levels[] = {
    {CK_ISA_SCALAR, &ck_row_kernels_scalar, &ck_plane_kernels_scalar, ck_linear_scalar, always},
    {CK_ISA_BASELINE, &ck_row_kernels_baseline, &ck_plane_kernels_baseline, ck_linear_baseline,
     always},
#if defined(__x86_64__)
    {CK_ISA_AVX2, &ck_row_kernels_avx2, &ck_plane_kernels_avx2, ck_linear_avx2, has_avx2},
    {CK_ISA_AVX512, &ck_row_kernels_avx512, &ck_plane_kernels_avx2, ck_linear_avx2, has_avx512},
    {CK_ISA_AVX512_VNNI, &ck_row_kernels_avx512, &ck_plane_kernels_avx512_vnni,
     ck_linear_avx512_vnni, has_avx512_vnni},
#elif defined(__aarch64__)
    {CK_ISA_NEON_DOTPROD, &ck_row_kernels_baseline, &ck_plane_kernels_neon_dotprod,
     ck_linear_neon_dotprod, has_neon_dotprod},
#endif
};
static const int level_count = sizeof levels / sizeof levels[0];

static _Atomic(const struct ck_level *) chosen;

// Two threads that come here at once choose the same level, so the race is harmless.
static const struct ck_level *level(void) {
  const struct ck_level *current = atomic_load_explicit(&chosen, memory_order_acquire);
  if (current) return current;
  ck_choose_isa();
  return atomic_load_explicit(&chosen, memory_order_acquire);
}

static const struct ck_row_kernels *row_kernels(void) { return level()->rows; }

void ck_choose_isa(void) {
  int best = level_count - 1;
  while (!levels[best].available()) best--;
  atomic_store_explicit(&chosen, &levels[best], memory_order_release);
}

int ck_force_isa(enum ck_isa isa) {
  for (int i = 0; i < level_count; i++) {
    if (levels[i].isa != isa || !levels[i].available()) continue;
    atomic_store_explicit(&chosen, &levels[i], memory_order_release);
    return 1;
  }
  return 0;
}

enum ck_isa ck_current_isa(void) { return level()->isa; }

void ck_layer_norm_f32(
    const float *input, ptrdiff_t input_stride, float *output, ptrdiff_t output_stride,
    ptrdiff_t rows, ptrdiff_t width, const float *gain, const float *bias, float epsilon) {
  row_kernels()->layer_norm_f32(
      input, input_stride, output, output_stride, rows, width, gain, bias, epsilon);
}

void ck_softmax_f32(
    float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float scale,
    ptrdiff_t visible, ptrdiff_t growth) {
  row_kernels()->softmax_f32(scores, stride, rows, width, scale, visible, growth);
}

void ck_attention_f32(const struct ck_attention *attention, float *scratch) {
  row_kernels()->attention_f32(attention, scratch);
}

ptrdiff_t ck_attention_scratch(ptrdiff_t tokens, ptrdiff_t width) {
  enum { strip = 32, rows = 12 };  // the largest
  ptrdiff_t whole_tokens = (tokens + strip - 1) / strip * strip;
  ptrdiff_t whole_width = (width + strip - 1) / strip * strip;
  return whole_tokens * width + tokens * whole_width + rows * whole_tokens;
}

void ck_bias_activation_f32(
    float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, const float *bias,
    enum ck_activation activation) {
  row_kernels()->bias_activation_f32(values, stride, rows, width, bias, activation);
}

void ck_normalize_f32(float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width) {
  row_kernels()->normalize_f32(values, stride, rows, width);
}

void ck_segment_max_f32(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride) {
  row_kernels()->segment_max_f32(scores, stride, bounds, segments, width, maxima, maxima_stride);
}

void ck_segment_argmax_f32(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride, int32_t *places) {
  row_kernels()->segment_argmax_f32(scores, stride, bounds, segments, width, maxima, maxima_stride, places);
}

void ck_row_max_f32(
    const float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float *maxima) {
  row_kernels()->row_max_f32(scores, stride, rows, width, maxima);
}

void ck_widen_f16(const uint16_t *halves, float *floats, ptrdiff_t count) {
  row_kernels()->widen_f16(halves, floats, count);
}

void ck_widen_bf16(const uint16_t *halves, float *floats, ptrdiff_t count) {
  row_kernels()->widen_bf16(halves, floats, count);
}

void ck_narrow_f16(const float *floats, uint16_t *halves, ptrdiff_t count) {
  row_kernels()->narrow_f16(floats, halves, count);
}

void ck_dot_products_f64(
    const float *words, ptrdiff_t word_count, const float *patches, ptrdiff_t patch_count,
    ptrdiff_t width, double *products) {
  row_kernels()->dot_products_f64(words, word_count, patches, patch_count, width, products);
}

void ck_hadamard_f64(double *values, ptrdiff_t count) { row_kernels()->hadamard_f64(values, count); }

void ck_pack_linear_s8(
    const float *weights, ptrdiff_t stride, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first,
    int8_t *codes, int32_t *sums, float *scales) {
  row_kernels()->pack_linear_s8(weights, stride, outputs, inputs, first, codes, sums, scales);
}

void ck_quantize_rows_u8(
    const float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, uint8_t *codes,
    float *scales, int32_t *zeros) {
  row_kernels()->quantize_rows_u8(values, stride, rows, width, codes, scales, zeros);
}

void ck_linear_s8(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, float *output,
    ptrdiff_t stride, int keep, enum ck_activation activation) {
  level()->linear(layer, rows, output, stride, keep, activation);
}

void ck_plane_max(
    const struct ck_plane *plane, const struct ck_plane_query *query, const uint32_t *bounds,
    ptrdiff_t images, float *maxima) {
  level()->planes->max(plane, query, bounds, images, maxima);
}

void ck_plane_sum_of_max(
    const struct ck_plane *plane, const struct ck_plane_query *query, const float *weights,
    const uint32_t *bounds, ptrdiff_t images, float *sums) {
  level()->planes->sum_of_max(plane, query, weights, bounds, images, sums);
}
