// The definition of linear layers in 8 bits: one row, one output, one input after the other.
#include "kernels_internal.h"

#pragma clang fp contract(off)

void ck_linear_scalar(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, float *output,
    ptrdiff_t stride, int keep, enum ck_activation activation) {
  for (ptrdiff_t r = 0; r < rows->rows; r++) {
    const uint8_t *row =
        rows->codes + (r / CK_ROW_BLOCK * layer->groups * CK_ROW_BLOCK + r % CK_ROW_BLOCK) * 4;
    float *out = output + r * stride;
    for (ptrdiff_t j = 0; j < layer->outputs; j++) {
      int32_t sum = 0;
      for (ptrdiff_t i = 0; i < 4 * layer->groups; i++) {
        ptrdiff_t byte = (j / 16 * layer->groups + i / 4) * 64 + j % 16 * 4 + i % 4;
        sum += (row[i / 4 * 4 * CK_ROW_BLOCK + i % 4] - rows->zeros[r]) * layer->codes[byte];
      }
      float value = (float)sum * (rows->scales[r] * layer->scales[j]);
      if (layer->bias) value += layer->bias[j];
      out[j] = keep ? out[j] + value : value;
    }
  }
  ck_bias_activation_f32(output, stride, rows->rows, layer->outputs, NULL, activation);
}
