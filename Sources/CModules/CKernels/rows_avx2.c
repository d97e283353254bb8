#include "kernels_internal.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define CK_SUFFIX avx2
#define CK_LOOP
#include "rows_body.h"
#define CK_LANES 8
#define CK_ATTENTION_ROWS 6
#include "attention_body.h"
#pragma clang attribute pop

const struct ck_row_kernels ck_row_kernels_avx2 = CK_TABLE;

#endif
