// The kernels themselves, once. Each rows_<isa>.c includes this file after it has defined
//   CK_SUFFIX   what the names end in,
//   CK_LOOP     a pragma for every loop over columns (the scalar copy turns the vectoriser off).
//
// The loops are written for the compiler to vectorise: no calls, no early exits, and additions that
// may be reordered only where CK_REASSOCIATE stands (sums and maxima over a row).

#define CK_REASSOCIATE _Pragma("clang fp reassociate(on)")
#define CK_BLOCK 16

#pragma clang fp contract(fast)

// e^x for the vector units: 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2, and a degree-6
// polynomial (Cephes) for e^r. Relative error below 2e-7; clamped to the normal range of floats.
static inline float CK_NAME(ck_exp)(float exponent) {
  // NaN fails the comparison and is put back at the end: converting it to an integer is undefined.
  float x = exponent > -87.0f ? exponent : -87.0f;
  x = x > 88.0f ? 88.0f : x;
  // Added to 1.5 * 2^23, a number loses what is behind the point.
  float shifted = x * 1.44269504088896341f + 12582912.0f;
  float whole = shifted - 12582912.0f;
  int32_t n = (int32_t)whole;
  // ln 2 in two parts, so that the difference keeps its low bits.
  float r = x - whole * 0.693359375f;
  r = r - whole * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  int32_t bits = (n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof power);
  return exponent == exponent ? p * power : exponent;
}

// x/2 (1 + erf(x / sqrt 2)) with erf after Abramowitz and Stegun 7.1.26:
// erf(z) = 1 - (a1 t + ... + a5 t^5) e^(-z^2), t = 1 / (1 + 0.3275911 z), z >= 0.
static inline float CK_NAME(ck_gelu)(float x) {
  float z = (x < 0.0f ? -x : x) * 0.70710678118654752f;
  float t = 1.0f / (1.0f + 0.3275911f * z);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  float tail = 0.5f * x * (p * t * CK_NAME(ck_exp)(-z * z));
  return x < 0.0f ? tail : x - tail;
}

static inline float CK_NAME(ck_logistic)(float x) {
  return 1.0f / (1.0f + CK_NAME(ck_exp)(-x));
}

static void CK_NAME(layer_norm_f32)(
    const float *input, ptrdiff_t input_stride, float *output, ptrdiff_t output_stride,
    ptrdiff_t rows, ptrdiff_t width, const float *gain, const float *bias, float epsilon) {
  CK_REASSOCIATE
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = input + row * input_stride;
    float *out = output + row * output_stride;
    float sum = 0.0f;
    CK_LOOP for (ptrdiff_t i = 0; i < width; i++) sum += in[i];
    float mean = sum / (float)width;
    float squares = 0.0f;
    CK_LOOP for (ptrdiff_t i = 0; i < width; i++) squares += (in[i] - mean) * (in[i] - mean);
    float scale = 1.0f / sqrtf(squares / (float)width + epsilon);
    CK_LOOP for (ptrdiff_t i = 0; i < width; i++) out[i] = (in[i] - mean) * scale * gain[i] + bias[i];
  }
}

typedef float CK_NAME(ck_sixteen) __attribute__((ext_vector_type(CK_BLOCK)));

// Sixteen lanes become one, by halves: one after the other they would wait for each other.
#define CK_FOLD(name, combine)                                                              \
  static inline float CK_NAME(name)(const float *lanes) {                                   \
    CK_NAME(ck_sixteen) all;                                                                \
    memcpy(&all, lanes, sizeof all);                                                        \
    __auto_type eight = combine(all.lo, all.hi);                                            \
    __auto_type four = combine(eight.lo, eight.hi);                                         \
    __auto_type two = combine(four.lo, four.hi);                                            \
    return combine(two.x, two.y);                                                           \
  }
#define CK_SMALLER(a, b) ((b) < (a) ? (b) : (a))
#define CK_LARGER(a, b) ((b) > (a) ? (b) : (a))
#define CK_SUM(a, b) ((a) + (b))
CK_FOLD(ck_smallest_lane, CK_SMALLER)
CK_FOLD(ck_largest_lane, CK_LARGER)
CK_FOLD(ck_lane_sum, CK_SUM)

// The largest of scale * values[i]. In sixteen lanes, because the compiler may not reorder a single
// running maximum (NaN would change it).
static inline float CK_NAME(ck_row_max)(const float *values, ptrdiff_t count, float scale) {
  float lanes[CK_BLOCK];
  CK_LOOP for (int i = 0; i < CK_BLOCK; i++) lanes[i] = -INFINITY;
  ptrdiff_t first = 0;
  for (; first + CK_BLOCK <= count; first += CK_BLOCK) {
    CK_LOOP for (int i = 0; i < CK_BLOCK; i++) {
      float value = scale * values[first + i];
      lanes[i] = value > lanes[i] ? value : lanes[i];
    }
  }
  for (; first < count; first++) {
    float value = scale * values[first];
    lanes[0] = value > lanes[0] ? value : lanes[0];
  }
  return CK_NAME(ck_largest_lane)(lanes);
}

static void CK_NAME(softmax_f32)(
    float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float scale,
    ptrdiff_t visible, ptrdiff_t growth) {
  CK_REASSOCIATE
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *values = scores + row * stride;
    ptrdiff_t seen = visible + row * growth;
    seen = seen < width ? seen : width;
    float largest = CK_NAME(ck_row_max)(values, seen, scale);
    float sum = 0.0f;
    CK_LOOP for (ptrdiff_t i = 0; i < seen; i++) {
      float power = CK_NAME(ck_exp)(scale * values[i] - largest);
      values[i] = power;
      sum += power;
    }
    float share = 1.0f / sum;
    CK_LOOP for (ptrdiff_t i = 0; i < seen; i++) values[i] *= share;
    CK_LOOP for (ptrdiff_t i = seen; i < width; i++) values[i] = 0.0f;
  }
}

// Two loops, because a load under a condition keeps narrow vector units from being used at all.
#define CK_BIAS_LOOP(expression)                                       \
  for (ptrdiff_t row = 0; row < rows; row++) {                         \
    float *out = values + row * stride;                                \
    if (bias) {                                                        \
      CK_LOOP for (ptrdiff_t i = 0; i < width; i++) {                  \
        float x = out[i] + bias[i];                                    \
        out[i] = (expression);                                         \
      }                                                                \
    } else {                                                           \
      CK_LOOP for (ptrdiff_t i = 0; i < width; i++) {                  \
        float x = out[i];                                              \
        out[i] = (expression);                                         \
      }                                                                \
    }                                                                  \
  }

static void CK_NAME(bias_activation_f32)(
    float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, const float *bias,
    enum ck_activation activation) {
  switch (activation) {
    case CK_IDENTITY:
      if (bias) CK_BIAS_LOOP(x)
      break;
    case CK_RELU:
      CK_BIAS_LOOP(x > 0.0f ? x : 0.0f)
      break;
    case CK_GELU:
      CK_BIAS_LOOP(CK_NAME(ck_gelu)(x))
      break;
    case CK_GELU_QUICK:
      CK_BIAS_LOOP(x * CK_NAME(ck_logistic)(1.702f * x))
      break;
    case CK_GELU_TANH:
      // (1 + tanh y) / 2 is the logistic function of 2 y; 2 sqrt(2 / pi) = 1.5957...
      CK_BIAS_LOOP(x * CK_NAME(ck_logistic)(1.59576912160573f * (x + 0.044715f * x * x * x)))
      break;
  }
}

static void CK_NAME(normalize_f32)(
    float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width) {
  CK_REASSOCIATE
  for (ptrdiff_t row = 0; row < rows; row++) {
    float *out = values + row * stride;
    float squares = 0.0f;
    CK_LOOP for (ptrdiff_t i = 0; i < width; i++) squares += out[i] * out[i];
    float scale = squares > 0.0f ? 1.0f / sqrtf(squares) : 0.0f;
    CK_LOOP for (ptrdiff_t i = 0; i < width; i++) out[i] *= scale;
  }
}

// Columns are taken CK_BLOCK at a time, so that the running maxima of a block stay in registers.
static void CK_NAME(segment_max_f32)(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride) {
  for (ptrdiff_t segment = 0; segment < segments; segment++) {
    float *out = maxima + segment * maxima_stride;
    ptrdiff_t first = 0;
    for (; first + CK_BLOCK <= width; first += CK_BLOCK) {
      float largest[CK_BLOCK];
      CK_LOOP for (int i = 0; i < CK_BLOCK; i++) largest[i] = -INFINITY;
      for (ptrdiff_t row = bounds[segment]; row < bounds[segment + 1]; row++) {
        const float *in = scores + row * stride + first;
        CK_LOOP for (int i = 0; i < CK_BLOCK; i++)
          largest[i] = in[i] > largest[i] ? in[i] : largest[i];
      }
      memcpy(out + first, largest, sizeof largest);
    }
    CK_LOOP for (ptrdiff_t i = first; i < width; i++) out[i] = -INFINITY;
    for (ptrdiff_t row = bounds[segment]; row < bounds[segment + 1]; row++) {
      const float *in = scores + row * stride;
      CK_LOOP for (ptrdiff_t i = first; i < width; i++) out[i] = in[i] > out[i] ? in[i] : out[i];
    }
  }
}

static void CK_NAME(segment_argmax_f32)(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride, int32_t *places) {
  for (ptrdiff_t segment = 0; segment < segments; segment++) {
    ptrdiff_t start = bounds[segment];
    for (ptrdiff_t first = 0; first < width; first += CK_BLOCK) {
      int count = width - first < CK_BLOCK ? (int)(width - first) : CK_BLOCK;
      float largest[CK_BLOCK];
      int32_t place[CK_BLOCK];
      CK_LOOP for (int i = 0; i < CK_BLOCK; i++) largest[i] = -INFINITY, place[i] = -1;
      for (ptrdiff_t row = start; row < bounds[segment + 1]; row++) {
        const float *in = scores + row * stride + first;
        int32_t here = (int32_t)(row - start);
        CK_LOOP for (int i = 0; i < count; i++) {
          int larger = in[i] > largest[i];
          largest[i] = larger ? in[i] : largest[i];
          place[i] = larger ? here : place[i];
        }
      }
      memcpy(maxima + segment * maxima_stride + first, largest, (size_t)count * sizeof(float));
      memcpy(places + segment * width + first, place, (size_t)count * sizeof(int32_t));
    }
  }
}

static void CK_NAME(row_max_f32)(
    const float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float *maxima) {
  for (ptrdiff_t row = 0; row < rows; row++)
    maxima[row] = CK_NAME(ck_row_max)(scores + row * stride, width, 1.0f);
}

static void CK_NAME(widen_f16)(const uint16_t *halves, float *floats, ptrdiff_t count) {
  CK_LOOP for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t half = halves[i];
    uint32_t sign = (half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7fffu;
    // Exponent bias 15 becomes 127; infinities and NaNs move up to exponent 255.
    uint32_t normal = (magnitude << 13) + ((127u - 15u) << 23);
    normal += magnitude >= 0x7c00u ? (255u - 31u - (127u - 15u)) << 23 : 0u;
    normal |= magnitude > 0x7c00u ? 0x400000u : 0u;
    // Subnormal halves are multiples of 2^-24.
    float small = (float)(int32_t)magnitude * 5.9604644775390625e-8f;
    uint32_t small_bits;
    memcpy(&small_bits, &small, sizeof small_bits);
    uint32_t bits = sign | (magnitude < 0x0400u ? small_bits : normal);
    memcpy(floats + i, &bits, sizeof bits);
  }
}

static void CK_NAME(widen_bf16)(const uint16_t *halves, float *floats, ptrdiff_t count) {
  CK_LOOP for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)halves[i] << 16;
    memcpy(floats + i, &bits, sizeof bits);
  }
}

static void CK_NAME(narrow_f16)(const float *floats, uint16_t *halves, ptrdiff_t count) {
  CK_LOOP for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, floats + i, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    // Adding 0xfff and the lowest kept bit rounds the 13 dropped bits, ties to even; a carry runs
    // into the exponent, as it should.
    uint32_t normal =
        (magnitude - ((127u - 15u) << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    // Below 2^-14 the adder rounds: 0.5 + x has exactly the subnormal's last bit as its last bit.
    float small;
    memcpy(&small, &magnitude, sizeof small);
    small += 0.5f;
    uint32_t subnormal;
    memcpy(&subnormal, &small, sizeof subnormal);
    subnormal -= 0x3f000000u;
    uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
    half = magnitude >= 0x47800000u ? 0x7c00u : half;
    half = magnitude > 0x7f800000u ? 0x7e00u : half;
    halves[i] = (uint16_t)(sign | half);
  }
}

// Eight partial sums, so that every instruction set adds in the same order. The product of two floats
// is exact in a double: contraction changes nothing.
static void CK_NAME(dot_products_f64)(
    const float *words, ptrdiff_t word_count, const float *patches, ptrdiff_t patch_count,
    ptrdiff_t width, double *products) {
  for (ptrdiff_t patch = 0; patch < patch_count; patch++) {
    const float *b = patches + patch * width;
    for (ptrdiff_t word = 0; word < word_count; word++) {
      const float *a = words + word * width;
      double lanes[8] = {0};
      ptrdiff_t i = 0;
      for (; i + 8 <= width; i += 8) {
        CK_LOOP for (int lane = 0; lane < 8; lane++)
            lanes[lane] += (double)a[i + lane] * (double)b[i + lane];
      }
      for (int lane = 0; i + lane < width; lane++)
        lanes[lane] += (double)a[i + lane] * (double)b[i + lane];
      products[word * patch_count + patch] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
                                             ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
  }
}

// The first three stages stay inside runs of eight, where the compiler sees all of them at once.
static void CK_NAME(hadamard_f64)(double *values, ptrdiff_t count) {
  ptrdiff_t distance = 1;
  if (count >= 8) {
    CK_LOOP for (ptrdiff_t first = 0; first < count; first += 8) {
      double *v = values + first;
      double a0 = v[0] + v[1], a1 = v[0] - v[1], a2 = v[2] + v[3], a3 = v[2] - v[3];
      double a4 = v[4] + v[5], a5 = v[4] - v[5], a6 = v[6] + v[7], a7 = v[6] - v[7];
      double b0 = a0 + a2, b1 = a1 + a3, b2 = a0 - a2, b3 = a1 - a3;
      double b4 = a4 + a6, b5 = a5 + a7, b6 = a4 - a6, b7 = a5 - a7;
      v[0] = b0 + b4, v[1] = b1 + b5, v[2] = b2 + b6, v[3] = b3 + b7;
      v[4] = b0 - b4, v[5] = b1 - b5, v[6] = b2 - b6, v[7] = b3 - b7;
    }
    distance = 8;
  }
  for (; distance < count; distance *= 2) {
    for (ptrdiff_t first = 0; first < count; first += 2 * distance) {
      double *restrict left = values + first;
      double *restrict right = left + distance;
      CK_LOOP for (ptrdiff_t i = 0; i < distance; i++) {
        double a = left[i];
        double b = right[i];
        left[i] = a + b;
        right[i] = a - b;
      }
    }
  }
}

// What is too small to divide by.
#define CK_SMALLEST 1e-30f

// The smallest and the largest of 0 and the values, in as many lanes as hide the latency of a
// comparison. Returns whether there was a NaN, which neither of them shows, or an infinity: 0 times
// either is NaN.
static inline int CK_NAME(ck_row_span)(
    const float *values, ptrdiff_t count, float *low, float *high) {
  enum { lanes = 2 * CK_BLOCK };
  float lowest[lanes] = {0}, highest[lanes] = {0}, strange[lanes] = {0};
  ptrdiff_t first = 0;
  for (; first + lanes <= count; first += lanes) {
    CK_LOOP for (int i = 0; i < lanes; i++) {
      float value = values[first + i];
      lowest[i] = value < lowest[i] ? value : lowest[i];
      highest[i] = value > highest[i] ? value : highest[i];
      strange[i] += value * 0.0f;
    }
  }
  for (; first < count; first++) {
    float value = values[first];
    lowest[0] = value < lowest[0] ? value : lowest[0];
    highest[0] = value > highest[0] ? value : highest[0];
    strange[0] += value * 0.0f;
  }
  CK_LOOP for (int i = 0; i < CK_BLOCK; i++) {
    int j = CK_BLOCK + i;
    lowest[i] = CK_SMALLER(lowest[i], lowest[j]);
    highest[i] = CK_LARGER(highest[i], highest[j]);
    strange[i] += strange[j];
  }
  *low = CK_NAME(ck_smallest_lane)(lowest);
  *high = CK_NAME(ck_largest_lane)(highest);
  return CK_NAME(ck_lane_sum)(strange) != 0.0f;
}

// Codes are compared between machines to the bit, so products and sums are rounded one by one.
#pragma clang fp contract(off)

// Puts the codes of a row, (groups, 4), where they belong in its block: (groups, CK_ROW_BLOCK, 4).
static inline void CK_NAME(ck_scatter_row)(
    const uint8_t *row, ptrdiff_t groups, uint8_t *codes) {
  // Vectors would gather and scatter, which takes longer.
#pragma clang loop vectorize(disable)
  for (ptrdiff_t g = 0; g < groups; g++) memcpy(codes + g * 4 * CK_ROW_BLOCK, row + 4 * g, 4);
}

static void CK_NAME(quantize_rows_u8)(
    const float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, uint8_t *codes,
    float *scales, int32_t *zeros) {
  enum { chunk = 256 };
  ptrdiff_t groups = (width + 3) / 4, block_bytes = groups * 4 * CK_ROW_BLOCK;
  if (rows % CK_ROW_BLOCK != 0)
    memset(codes + rows / CK_ROW_BLOCK * block_bytes, 0, (size_t)block_bytes);
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *in = values + row * stride;
    uint8_t *out = codes + row / CK_ROW_BLOCK * block_bytes + row % CK_ROW_BLOCK * 4;
    float low, high;
    int strange = CK_NAME(ck_row_span)(in, width, &low, &high);
    float span = high - low, factor = 0.0f;
    int32_t zero = 0;
    if (strange || !(span < INFINITY)) {
      scales[row] = NAN;
    } else if (span < CK_SMALLEST) {
      scales[row] = 0.0f;
    } else {
      scales[row] = span / 255.0f;
      factor = 255.0f / span;
      zero = (int32_t)(-low * factor + 0.5f);
    }
    zeros[row] = zero;
    float middle = (float)zero + 0.5f;
    for (ptrdiff_t start = 0; start < width; start += chunk) {
      ptrdiff_t count = width - start < chunk ? width - start : chunk;
      uint8_t packed[chunk];
      memset(packed, zero, sizeof packed);
      if (factor > 0.0f) {
        CK_LOOP for (ptrdiff_t i = 0; i < count; i++) {
          float code = in[start + i] * factor + middle;
          code = code > 0.0f ? code : 0.0f;
          code = code < 255.0f ? code : 255.0f;
          packed[i] = (uint8_t)(int32_t)code;
        }
      }
      CK_NAME(ck_scatter_row)(packed, (count + 3) / 4, out + start * CK_ROW_BLOCK);
    }
  }
}

static void CK_NAME(pack_linear_s8)(
    const float *weights, ptrdiff_t stride, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first,
    int8_t *codes, int32_t *sums, float *scales) {
  enum { chunk = 256 };
  ptrdiff_t groups = (inputs + 3) / 4;
  for (ptrdiff_t row = 0; row < outputs; row++) {
    const float *in = weights + row * stride;
    ptrdiff_t output = first + row;
    int8_t *out = codes + output / 16 * groups * 64 + output % 16 * 4;
    float low, high;
    int strange = CK_NAME(ck_row_span)(in, inputs, &low, &high);
    float largest = -low > high ? -low : high;
    float factor = 0.0f;
    if (strange || !(largest < INFINITY)) {
      scales[output] = NAN;
    } else if (largest < CK_SMALLEST) {
      scales[output] = 0.0f;
    } else {
      scales[output] = largest / 127.0f;
      factor = 127.0f / largest;
    }
    int32_t sum = 0;
    for (ptrdiff_t start = 0; start < inputs; start += chunk) {
      ptrdiff_t count = inputs - start < chunk ? inputs - start : chunk;
      int8_t packed[chunk] = {0};
      if (factor > 0.0f) {
        CK_LOOP for (ptrdiff_t i = 0; i < count; i++) {
          float code = in[start + i] * factor;
          code += code < 0.0f ? -0.5f : 0.5f;
          packed[i] = (int8_t)(int32_t)code;
          sum += packed[i];
        }
      }
      for (ptrdiff_t i = 0; i < count; i += 4) memcpy(out + (start + i) * 16, packed + i, 4);
    }
    sums[output] = sum;
  }
}

#pragma clang fp contract(fast)

#define CK_TABLE                                                                          \
  {                                                                                       \
      .layer_norm_f32 = CK_NAME(layer_norm_f32),                                          \
      .softmax_f32 = CK_NAME(softmax_f32),                                                \
      .attention_f32 = CK_NAME(attention_f32),                                            \
      .bias_activation_f32 = CK_NAME(bias_activation_f32),                                \
      .normalize_f32 = CK_NAME(normalize_f32),                                            \
      .segment_max_f32 = CK_NAME(segment_max_f32),                                        \
      .segment_argmax_f32 = CK_NAME(segment_argmax_f32),                                  \
      .row_max_f32 = CK_NAME(row_max_f32),                                                \
      .widen_f16 = CK_NAME(widen_f16),                                                    \
      .widen_bf16 = CK_NAME(widen_bf16),                                                  \
      .narrow_f16 = CK_NAME(narrow_f16),                                                  \
      .dot_products_f64 = CK_NAME(dot_products_f64),                                      \
      .hadamard_f64 = CK_NAME(hadamard_f64),                                              \
      .pack_linear_s8 = CK_NAME(pack_linear_s8),                                          \
      .quantize_rows_u8 = CK_NAME(quantize_rows_u8),                                      \
  }
