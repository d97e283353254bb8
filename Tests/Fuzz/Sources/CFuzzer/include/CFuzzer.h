#ifndef C_FUZZER_H
#define C_FUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own main: calls `callback` with inputs until the arguments say that it is enough.
int LLVMFuzzerRunDriver(
  int *argument_count, char ***arguments, int (*callback)(const uint8_t *bytes, size_t count));

#endif
