#include <cblas.h>
#include <stddef.h>

// LAPACK, which OpenBLAS contains without a header for C: eigenvalues w, rising, and for jobz 'V'
// the eigenvectors of the symmetric matrix a, which they replace. The two sizes at the end are the
// lengths of the texts, as a Fortran caller would pass them.
void dsyevd_(
    const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda, double *w,
    double *work, const blasint *lwork, blasint *iwork, const blasint *liwork, blasint *info,
    size_t jobz_length, size_t uplo_length);
