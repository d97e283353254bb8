// The definition: one element after the other.
#include "kernels_internal.h"

#define CK_SUFFIX scalar
#define CK_LOOP _Pragma("clang loop vectorize(disable) interleave(disable)")
#include "rows_body.h"
#define CK_LANES 1
#define CK_ATTENTION_ROWS 1
#include "attention_body.h"

const struct ck_row_kernels ck_row_kernels_scalar = CK_TABLE;
