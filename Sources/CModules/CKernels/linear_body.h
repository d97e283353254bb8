// How a linear layer in 8 bits is cut into tiles, and what becomes of a tile's sums. Each
// linear_<isa>.c includes this file after it has defined
//   CK_SUFFIX         what the names end in,
//   CK_TILE_ROWS      rows of a tile, a divisor of CK_ROW_BLOCK,
//   CK_TILE_BLOCKS    blocks of 16 outputs of a tile, at most,
//   CK_ROW_OFFSET     what it took off the codes of rows, 0 or 128,
//   linear_sums       the arithmetic: sums[r][b][j] of (code(r, i) - CK_ROW_OFFSET) times
//                     code(16 b + j, i), where `values` are the tile's first codes in their block
//                     of rows and `weights` those of its first block of outputs. Tiles are whole:
//                     rows that do not exist have codes 0, and what they give is dropped.
//
// The tiles of one strip of outputs come one after the other, so that its weights stay in the cache;
// the caller gives no more rows at a time than also fit.

typedef int32_t ck_linear_words __attribute__((ext_vector_type(16)));
typedef float ck_linear_floats __attribute__((ext_vector_type(16)));

// Makes outputs of a tile's sums: rows `row` to row + count, outputs first ..< first + width.
static inline __attribute__((always_inline)) void CK_NAME(linear_finish)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, ptrdiff_t row, int count,
    ptrdiff_t first, const ptrdiff_t width, int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16],
    float *output, ptrdiff_t stride, int keep, enum ck_activation activation) {
  enum { tile_width = 16 * CK_TILE_BLOCKS };
  _Alignas(64) float values[CK_TILE_ROWS][tile_width];
  if (width < tile_width) memset(values, 0, sizeof values);
  for (ptrdiff_t j = 0; j < width; j += 16) {
    size_t bytes = 4 * (size_t)(width - j < 16 ? width - j : 16);
    ck_linear_words code_sums = 0;
    ck_linear_floats scales = 0.0f, bias = 0.0f;
    memcpy(&code_sums, layer->sums + first + j, bytes);
    memcpy(&scales, layer->scales + first + j, bytes);
    if (layer->bias) memcpy(&bias, layer->bias + first + j, bytes);
    for (int r = 0; r < count; r++) {
      // Safe as integers: groups are few enough for both products to fit.
      int32_t zero = rows->zeros[row + r] - CK_ROW_OFFSET;
      ck_linear_words sum;
      memcpy(&sum, sums[r][j / 16], sizeof sum);
      ck_linear_floats value = __builtin_convertvector(sum - zero * code_sums, ck_linear_floats) *
                               (rows->scales[row + r] * scales);
      if (layer->bias) value += bias;
      if (keep) {
        ck_linear_floats before = 0.0f;
        memcpy(&before, output + r * stride + j, bytes);
        value = before + value;
      }
      memcpy(values[r] + j, &value, sizeof value);
    }
  }
  if (activation != CK_IDENTITY)
    ck_bias_activation_f32(values[0], 0, 1, count * tile_width, NULL, activation);
  for (int r = 0; r < count; r++)
    memcpy(output + r * stride, values[r], sizeof(float) * (size_t)width);
}

void CK_NAME(ck_linear)(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, float *output,
    ptrdiff_t stride, int keep, enum ck_activation activation) {
  enum { tile_width = 16 * CK_TILE_BLOCKS };
  ptrdiff_t outputs = layer->outputs, row_block = CK_ROW_BLOCK * 4 * layer->groups;
  _Alignas(64) int32_t sums[CK_TILE_ROWS][CK_TILE_BLOCKS][16];
  for (ptrdiff_t first = 0; first < outputs; first += tile_width) {
    ptrdiff_t width = outputs - first < tile_width ? outputs - first : tile_width;
    const int8_t *weights = layer->codes + first * 4 * layer->groups;
    for (ptrdiff_t row = 0; row < rows->rows; row += CK_TILE_ROWS) {
      int count = (int)(rows->rows - row < CK_TILE_ROWS ? rows->rows - row : CK_TILE_ROWS);
      const uint8_t *values =
          rows->codes + row / CK_ROW_BLOCK * row_block + row % CK_ROW_BLOCK * 4;
      float *out = output + row * stride + first;
      // Rows of the output lie far apart: they are fetched while the sums are taken.
      for (int r = 0; r < count; r++)
        for (ptrdiff_t j = 0; j < width; j += 16) __builtin_prefetch(out + r * stride + j, 1);
      CK_NAME(linear_sums)(layer->groups, weights, values, (int)((width + 15) / 16), sums);
      // The usual width as a constant, so that copies become single instructions.
      if (width == tile_width)
        CK_NAME(linear_finish)(
            layer, rows, row, count, first, tile_width, sums, out, stride, keep, activation);
      else
        CK_NAME(linear_finish)(
            layer, rows, row, count, first, width, sums, out, stride, keep, activation);
    }
  }
}
