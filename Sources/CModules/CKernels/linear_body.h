// How a linear layer in 8 bits is cut into tiles, and what becomes of a tile's sums. Each
// linear_<isa>.c includes this file after it has defined
//   CK_SUFFIX         what the names end in,
//   CK_TILE_ROWS      rows of a tile, at most,
//   CK_TILE_BLOCKS    blocks of 16 outputs of a tile, at most,
//   CK_ROW_OFFSET     what it took off the codes of rows, 0 or 128,
//   linear_sums       the arithmetic: sums[r][b][j] of code(first_row + r, i) - CK_ROW_OFFSET times
//                     code(16 (first_block + b) + j, i).
//
// The tiles of one strip of outputs come one after the other, so that its weights stay in the cache;
// the caller gives no more rows at a time than also fit.

static inline void CK_NAME(finish)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row,
    ptrdiff_t first, int count, const int32_t *sums, float *output, int keep) {
  // Safe as integers: groups are few enough for both products to fit.
  int32_t zero = rows->zeros[row] - CK_ROW_OFFSET;
  float scale = rows->scales[row];
  const int32_t *code_sums = layer->sums + first;
  const float *scales = layer->scales + first;
  float values[16];
  for (int j = 0; j < count; j++)
    values[j] = (float)(sums[j] - zero * code_sums[j]) * (scale * scales[j]);
  if (layer->bias) {
    const float *bias = layer->bias + first;
    for (int j = 0; j < count; j++) values[j] += bias[j];
  }
  if (keep) {
    for (int j = 0; j < count; j++) output[j] += values[j];
  } else {
    for (int j = 0; j < count; j++) output[j] = values[j];
  }
}

void CK_NAME(ck_linear)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, float *output,
    ptrdiff_t stride, int keep, enum ck_activation activation) {
  ptrdiff_t blocks = (layer->outputs + 15) / 16;
  _Alignas(64) int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16];
  for (ptrdiff_t block = 0; block < blocks; block += CK_TILE_BLOCKS) {
    int block_count = (int)(blocks - block < CK_TILE_BLOCKS ? blocks - block : CK_TILE_BLOCKS);
    ptrdiff_t end = 16 * (block + block_count);
    end = end < layer->outputs ? end : layer->outputs;
    for (ptrdiff_t row = 0; row < rows->rows; row += CK_TILE_ROWS) {
      int row_count = (int)(rows->rows - row < CK_TILE_ROWS ? rows->rows - row : CK_TILE_ROWS);
      CK_NAME(linear_sums)(layer, rows, row, row_count, block, block_count, sums);
      for (int r = 0; r < row_count; r++) {
        float *out = output + (row + r) * stride;
        for (int b = 0; b < block_count; b++) {
          ptrdiff_t first = 16 * (block + b);
          // The usual count as a constant, so that the loops become single instructions.
          if (end - first >= 16)
            CK_NAME(finish)(layer, rows, row + r, first, 16, sums[r][b], out + first, keep);
          else
            CK_NAME(finish)(
                layer, rows, row + r, first, (int)(end - first), sums[r][b], out + first, keep);
        }
      }
      if (activation != CK_IDENTITY)
        ck_bias_activation_f32(
            output + row * stride + 16 * block, stride, row_count, end - 16 * block, NULL,
            activation);
    }
  }
}
