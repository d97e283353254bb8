// The tables of kernels that the instruction sets fill in, and how their copies are named.
#ifndef CK_KERNELS_INTERNAL_H
#define CK_KERNELS_INTERNAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"

#define CK_JOIN2(a, b) a##_##b
#define CK_JOIN(a, b) CK_JOIN2(a, b)
#define CK_NAME(operation) CK_JOIN(operation, CK_SUFFIX)

struct ck_row_kernels {
  void (*layer_norm_f32)(
      const float *, ptrdiff_t, float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *,
      const float *, float);
  void (*softmax_f32)(float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float, ptrdiff_t, ptrdiff_t);
  void (*attention_f32)(const struct ck_attention *, float *);
  void (*bias_activation_f32)(
      float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *, enum ck_activation);
  void (*normalize_f32)(float *, ptrdiff_t, ptrdiff_t, ptrdiff_t);
  void (*segment_max_f32)(
      const float *, ptrdiff_t, const ptrdiff_t *, ptrdiff_t, ptrdiff_t, float *, ptrdiff_t);
  void (*segment_argmax_f32)(
      const float *, ptrdiff_t, const ptrdiff_t *, ptrdiff_t, ptrdiff_t, float *, ptrdiff_t,
      int32_t *);
  void (*row_max_f32)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
  void (*widen_f16)(const uint16_t *, float *, ptrdiff_t);
  void (*widen_bf16)(const uint16_t *, float *, ptrdiff_t);
  void (*narrow_f16)(const float *, uint16_t *, ptrdiff_t);
  void (*dot_products_f64)(
      const float *, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t, double *);
  void (*hadamard_f64)(double *, ptrdiff_t);
  void (*pack_linear_s8)(
      const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, int8_t *, int32_t *, float *);
  void (*quantize_rows_u8)(
      const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, uint8_t *, float *, int32_t *);
};

typedef void ck_linear_kernel(
    const struct ck_linear *, const struct ck_linear_rows *, float *, ptrdiff_t, int,
    enum ck_activation);

struct ck_plane_kernels {
  void (*max)(
      const struct ck_plane *, const struct ck_plane_query *, const uint32_t *, ptrdiff_t, float *);
  void (*sum_of_max)(
      const struct ck_plane *, const struct ck_plane_query *, const float *, const uint32_t *,
      ptrdiff_t, float *);
};

// Asks for the codes that come 4 kB later, or for the last ones of the run. Blocks that are read side
// by side confuse the hardware's own prefetching: with this a scan from memory is 1.6 times as fast
// on Cascade Lake (8 words, 256 dimensions), and 2 to 16 kB do equally well. Beyond the run it must
// not ask: where single images are read, that would double what is fetched.
#define CK_PREFETCH(bytes, last) \
  __builtin_prefetch((bytes) + 4096 < (last) ? (bytes) + 4096 : (last))

extern const struct ck_row_kernels ck_row_kernels_scalar;
extern const struct ck_row_kernels ck_row_kernels_baseline;
extern const struct ck_plane_kernels ck_plane_kernels_scalar;
extern const struct ck_plane_kernels ck_plane_kernels_baseline;
extern ck_linear_kernel ck_linear_scalar;
extern ck_linear_kernel ck_linear_baseline;
#if defined(__x86_64__)
extern const struct ck_row_kernels ck_row_kernels_avx2;
extern const struct ck_row_kernels ck_row_kernels_avx512;
extern const struct ck_plane_kernels ck_plane_kernels_avx2;
extern const struct ck_plane_kernels ck_plane_kernels_avx512_vnni;
extern ck_linear_kernel ck_linear_avx2;
extern ck_linear_kernel ck_linear_avx512_vnni;
#elif defined(__aarch64__)
extern const struct ck_plane_kernels ck_plane_kernels_neon_dotprod;
extern ck_linear_kernel ck_linear_neon_dotprod;
#endif

#endif
