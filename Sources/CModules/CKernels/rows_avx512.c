#include "kernels_internal.h"

#if defined(__x86_64__)

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define CK_SUFFIX avx512
#define CK_LOOP
#include "rows_body.h"
#define CK_LANES 16
#define CK_ATTENTION_ROWS 12
#include "attention_body.h"
#pragma clang attribute pop

const struct ck_row_kernels ck_row_kernels_avx512 = CK_TABLE;

#endif
