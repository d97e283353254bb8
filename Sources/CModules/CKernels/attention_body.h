// Attention of one head. Each rows_<isa>.c includes this file after rows_body.h and after it has
// defined
//   CK_LANES            floats of a vector,
//   CK_ATTENTION_ROWS   rows of a tile: with two vectors each they fill the registers.
//
// Keys and values are first laid out in strips of two vectors, so that a product reads one strip from
// its start to its end. Then all is done for the rows of a tile, whose scores stay in the first cache.

#define CK_STRIP (2 * CK_LANES)

typedef float CK_NAME(ck_lanes) __attribute__((ext_vector_type(CK_LANES)));

// products[r, 0 ..< CK_STRIP] = sum over i < count of factors[r, i] * strip[i, 0 ..< CK_STRIP]
static inline __attribute__((always_inline)) void CK_NAME(ck_strip_products)(
    const float *factors, ptrdiff_t stride, const float *strip, ptrdiff_t count, float *products,
    ptrdiff_t products_stride, const int rows) {
  CK_NAME(ck_lanes) sums[CK_ATTENTION_ROWS][2];
  // A pointer for every third row: the others are at one and two strides from it.
  const float *third[(CK_ATTENTION_ROWS + 2) / 3];
#pragma unroll
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = 0.0f;
#pragma unroll
  for (int r = 0; r < rows; r += 3) third[r / 3] = factors + r * stride;
  for (ptrdiff_t i = 0; i < count; i++, strip += CK_STRIP) {
    CK_NAME(ck_lanes) left, right;
    memcpy(&left, strip, sizeof left);
    memcpy(&right, strip + CK_LANES, sizeof right);
#pragma unroll
    for (int r = 0; r < rows; r++) {
      float factor = third[r / 3][r % 3 * stride];
      sums[r][0] += factor * left;
      sums[r][1] += factor * right;
    }
#pragma unroll
    for (int r = 0; r < rows; r += 3) third[r / 3]++;
  }
#pragma unroll
  for (int r = 0; r < rows; r++) {
    memcpy(products + r * products_stride, &sums[r][0], sizeof sums[r][0]);
    memcpy(products + r * products_stride + CK_LANES, &sums[r][1], sizeof sums[r][1]);
  }
}

// Replaces scores by e^(scale * score - m), with m the largest of them, and those from `seen` to `end`
// by 0; returns what they add up to. There is room for scores up to the next multiple of CK_BLOCK.
static inline float CK_NAME(ck_powers)(
    float *scores, ptrdiff_t seen, ptrdiff_t end, float scale) {
  float lanes[CK_BLOCK] = {0};
  ptrdiff_t whole = (seen + CK_BLOCK - 1) / CK_BLOCK * CK_BLOCK;
  for (ptrdiff_t i = seen; i < whole; i++) scores[i] = -INFINITY;
  float largest = CK_NAME(ck_row_max)(scores, whole, scale);
  for (ptrdiff_t first = 0; first < whole; first += CK_BLOCK) {
    CK_LOOP for (int i = 0; i < CK_BLOCK; i++) {
      float power = CK_NAME(ck_exp)(scale * scores[first + i] - largest);
      scores[first + i] = power;
      lanes[i] += power;
    }
  }
  // What e^-infinity was taken for, 1e-38, is nothing to a sum of 1 and more.
  for (ptrdiff_t i = seen; i < end; i++) scores[i] = 0.0f;
  return CK_NAME(ck_lane_sum)(lanes);
}

// Attention of `rows` rows from number `first` on, once keys and values are laid out; `scores` is room
// for (rows, tokens), rows of whole strips.
static inline __attribute__((always_inline)) void CK_NAME(ck_attend)(
    const struct ck_attention *of, ptrdiff_t first, const float *keys, const float *values,
    float *scores, const int rows) {
  ptrdiff_t pitch = (of->tokens + 31) / 32 * 32;
  const float *queries = of->queries + first * of->query_stride;
  ptrdiff_t visible = of->visible + first * of->growth;
  ptrdiff_t end = visible + (rows - 1) * of->growth;
  end = end < of->tokens ? end : of->tokens;
  for (ptrdiff_t token = 0; token < end; token += CK_STRIP)
    CK_NAME(ck_strip_products)(
        queries, of->query_stride, keys + token * of->width, of->width, scores + token, pitch, rows);
  float shares[CK_ATTENTION_ROWS];
  for (int r = 0; r < rows; r++) {
    ptrdiff_t seen = visible + r * of->growth;
    seen = seen < end ? seen : end;
    shares[r] = 1.0f / CK_NAME(ck_powers)(scores + r * pitch, seen, end, of->scale);
  }
  for (ptrdiff_t column = 0; column < of->width; column += CK_STRIP) {
    float products[CK_ATTENTION_ROWS * CK_STRIP];
    CK_NAME(ck_strip_products)(
        scores, pitch, values + column * of->tokens, end, products, CK_STRIP, rows);
    ptrdiff_t count = of->width - column < CK_STRIP ? of->width - column : CK_STRIP;
    for (int r = 0; r < rows; r++) {
      float *out = of->output + (first + r) * of->output_stride + column;
      const float *sums = products + r * CK_STRIP;
      float share = shares[r];
      if (of->keep) {
        CK_LOOP for (ptrdiff_t i = 0; i < count; i++) out[i] += share * sums[i];
      } else {
        CK_LOOP for (ptrdiff_t i = 0; i < count; i++) out[i] = share * sums[i];
      }
    }
  }
}

// Lays out keys: (strips, width, CK_STRIP), with 0 for tokens that do not exist. Returns its end.
static float *CK_NAME(ck_lay_out_keys)(const struct ck_attention *of, float *strips) {
  for (ptrdiff_t token = 0; token < of->tokens; token += CK_STRIP, strips += of->width * CK_STRIP) {
    ptrdiff_t count = of->tokens - token < CK_STRIP ? of->tokens - token : CK_STRIP;
    if (count < CK_STRIP) memset(strips, 0, (size_t)of->width * CK_STRIP * sizeof(float));
    const float *in = of->keys + token * of->key_stride;
    ptrdiff_t t = 0;
    for (; t + 4 <= count; t += 4, in += 4 * of->key_stride) {
      ptrdiff_t i = 0;
      for (; i + 4 <= of->width; i += 4) {
        typedef float four __attribute__((ext_vector_type(4)));
        four rows[4], halves[4], columns[4];
        for (int r = 0; r < 4; r++) memcpy(&rows[r], in + r * of->key_stride + i, sizeof rows[r]);
        halves[0] = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
        halves[1] = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
        halves[2] = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
        halves[3] = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
        columns[0] = __builtin_shufflevector(halves[0], halves[2], 0, 1, 4, 5);
        columns[1] = __builtin_shufflevector(halves[0], halves[2], 2, 3, 6, 7);
        columns[2] = __builtin_shufflevector(halves[1], halves[3], 0, 1, 4, 5);
        columns[3] = __builtin_shufflevector(halves[1], halves[3], 2, 3, 6, 7);
        for (int c = 0; c < 4; c++)
          memcpy(strips + (i + c) * CK_STRIP + t, &columns[c], sizeof columns[c]);
      }
      for (; i < of->width; i++)
        for (int r = 0; r < 4; r++) strips[i * CK_STRIP + t + r] = in[r * of->key_stride + i];
    }
    for (; t < count; t++, in += of->key_stride)
      for (ptrdiff_t i = 0; i < of->width; i++) strips[i * CK_STRIP + t] = in[i];
  }
  return strips;
}

// Lays out values: (strips, tokens, CK_STRIP), with 0 for columns that do not exist. Returns its end.
static float *CK_NAME(ck_lay_out_values)(const struct ck_attention *of, float *strips) {
  for (ptrdiff_t column = 0; column < of->width; column += CK_STRIP) {
    ptrdiff_t count = of->width - column < CK_STRIP ? of->width - column : CK_STRIP;
    const float *in = of->values + column;
    for (ptrdiff_t token = 0; token < of->tokens; token++, strips += CK_STRIP) {
      if (count == CK_STRIP) {
        memcpy(strips, in + token * of->value_stride, CK_STRIP * sizeof(float));
      } else {
        memset(strips, 0, CK_STRIP * sizeof(float));
        memcpy(strips, in + token * of->value_stride, (size_t)count * sizeof(float));
      }
    }
  }
  return strips;
}

static void CK_NAME(attention_f32)(const struct ck_attention *of, float *scratch) {
  enum { few = CK_ATTENTION_ROWS / 3 > 1 ? CK_ATTENTION_ROWS / 3 : 1 };
  float *values = CK_NAME(ck_lay_out_keys)(of, scratch);
  float *scores = CK_NAME(ck_lay_out_values)(of, values);
  ptrdiff_t row = 0;
  for (; row + CK_ATTENTION_ROWS <= of->rows; row += CK_ATTENTION_ROWS)
    CK_NAME(ck_attend)(of, row, scratch, values, scores, CK_ATTENTION_ROWS);
  for (; row + few <= of->rows; row += few)
    CK_NAME(ck_attend)(of, row, scratch, values, scores, few);
  for (; row < of->rows; row++) CK_NAME(ck_attend)(of, row, scratch, values, scores, 1);
}
