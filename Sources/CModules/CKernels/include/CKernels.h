// Kernels that need run-time dispatch. See README.md.
#ifndef CKERNELS_H
#define CKERNELS_H
#endif
