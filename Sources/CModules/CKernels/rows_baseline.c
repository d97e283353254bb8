// What every machine of the architecture has: SSE2 on x86-64, NEON on arm64.
#include "kernels_internal.h"

#define CK_SUFFIX baseline
#define CK_LOOP
#include "rows_body.h"
#define CK_LANES 4
#define CK_ATTENTION_ROWS 6
#include "attention_body.h"

const struct ck_row_kernels ck_row_kernels_baseline = CK_TABLE;
