// How many products of small integers the processor can make when it reads nothing.
#include "kernels_internal.h"

#pragma clang fp contract(off)

// Each function makes `rounds` rounds of products whose factors and sums stay in registers, in the
// way of the scan kernel of its name; enough sums that none waits for another. They return what
// came of it, so that nothing is left out, and tell how many products a round has.

enum { scalar_products = 8, baseline_products = 4 * 16 };

static int32_t multiply_baseline(ptrdiff_t rounds) {
  typedef int16_t shorts __attribute__((ext_vector_type(16)));
  shorts sums[4] = {0, 1, 2, 3}, a = 3, b = 5;
  for (ptrdiff_t i = 0; i < rounds; i++) {
    for (int j = 0; j < 4; j++) {
      __asm__ volatile("" : "+m"(a));
      sums[j] += a * b;
    }
  }
  return sums[0][0] + sums[1][1] + sums[2][2] + sums[3][3];
}

static int32_t multiply_scalar(ptrdiff_t rounds) {
  uint32_t sums[scalar_products] = {0}, a = 3, b = 5;
  for (ptrdiff_t i = 0; i < rounds; i++) {
    for (int j = 0; j < scalar_products; j++) {
      __asm__ volatile("" : "+r"(a));
      sums[j] += a * b;
    }
  }
  for (int j = 1; j < scalar_products; j++) sums[0] += sums[j];
  return (int32_t)sums[0];
}

#if defined(__x86_64__)
#include <immintrin.h>

enum { avx2_products = 8 * 32, vnni_products = 12 * 64 };

__attribute__((target("avx2"))) static int32_t multiply_avx2(ptrdiff_t rounds) {
  __m256i sums[8], a = _mm256_set1_epi32(0x01020304), b = _mm256_set1_epi32(0x05060708);
  for (int j = 0; j < 8; j++) sums[j] = _mm256_set1_epi32(j);
  for (ptrdiff_t i = 0; i < rounds; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; j++) {
      __asm__ volatile("" : "+x"(a));
      sums[j] = _mm256_add_epi16(sums[j], _mm256_maddubs_epi16(a, b));
    }
  }
  for (int j = 1; j < 8; j++) sums[0] = _mm256_add_epi32(sums[0], sums[j]);
  return _mm256_extract_epi32(sums[0], 0);
}

__attribute__((target("avx512f,avx512vnni"))) static int32_t multiply_vnni(ptrdiff_t rounds) {
  __m512i sums[12], a = _mm512_set1_epi32(0x01020304), b = _mm512_set1_epi32(0x05060708);
  for (int j = 0; j < 12; j++) sums[j] = _mm512_set1_epi32(j);
  for (ptrdiff_t i = 0; i < rounds; i++) {
    __asm__ volatile("" : "+v"(a), "+v"(b));
#pragma clang loop unroll(full)
    for (int j = 0; j < 12; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], a, b);
  }
  for (int j = 1; j < 12; j++) sums[0] = _mm512_add_epi32(sums[0], sums[j]);
  return _mm512_reduce_add_epi32(sums[0]);
}
#elif defined(__aarch64__)
#include <arm_neon.h>

enum { dotprod_products = 12 * 16 };

__attribute__((target("dotprod"))) static int32_t multiply_dotprod(ptrdiff_t rounds) {
  int32x4_t sums[12];
  int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
  for (int j = 0; j < 12; j++) sums[j] = vdupq_n_s32(j);
  for (ptrdiff_t i = 0; i < rounds; i++) {
    __asm__ volatile("" : "+w"(a), "+w"(b));
#pragma clang loop unroll(full)
    for (int j = 0; j < 12; j++) sums[j] = vdotq_s32(sums[j], a, b);
  }
  for (int j = 1; j < 12; j++) sums[0] = vaddq_s32(sums[0], sums[j]);
  return vaddvq_s32(sums[0]);
}
#endif

double ck_multiply_in_registers(ptrdiff_t rounds, int32_t *result) {
  int products = baseline_products;
  int32_t (*multiply)(ptrdiff_t) = multiply_baseline;
  switch (ck_current_isa()) {
    case CK_ISA_SCALAR: multiply = multiply_scalar, products = scalar_products; break;
#if defined(__x86_64__)
    case CK_ISA_AVX2:
    case CK_ISA_AVX512: multiply = multiply_avx2, products = avx2_products; break;
    case CK_ISA_AVX512_VNNI: multiply = multiply_vnni, products = vnni_products; break;
#elif defined(__aarch64__)
    case CK_ISA_NEON_DOTPROD: multiply = multiply_dotprod, products = dotprod_products; break;
#endif
    default: break;
  }
  *result = multiply(rounds);
  return (double)products * (double)rounds;
}
