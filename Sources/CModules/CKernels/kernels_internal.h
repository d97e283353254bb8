// The table of kernels that each instruction set fills in, and the macros that `rows_body.h` needs.
#ifndef CK_KERNELS_INTERNAL_H
#define CK_KERNELS_INTERNAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"

struct ck_kernels {
  enum ck_isa isa;
  void (*layer_norm_f32)(
      const float *, ptrdiff_t, float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *,
      const float *, float);
  void (*softmax_f32)(float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float, ptrdiff_t, ptrdiff_t);
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
};

extern const struct ck_kernels ck_kernels_scalar;
extern const struct ck_kernels ck_kernels_baseline;
#if defined(__x86_64__)
extern const struct ck_kernels ck_kernels_avx2;
extern const struct ck_kernels ck_kernels_avx512;
#endif

#endif
