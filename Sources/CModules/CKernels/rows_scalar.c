// The definition: one element after the other.
#include "kernels_internal.h"

#define CK_SUFFIX scalar
#define CK_LOOP _Pragma("clang loop vectorize(disable) interleave(disable)")
#include "rows_body.h"

const struct ck_row_kernels ck_row_kernels_scalar = CK_TABLE;
