// Row kernels of the encoders and of MaxSim, linear layers in 8 bits, and scans of quantised tokens.
// See ../README.md.
//
// Conventions, for every kernel:
// - matrices are row-major; `stride` counts floats from one row to the next and may exceed `width`;
// - no alignment is required, any count may be zero unless it says otherwise;
// - accumulators of row kernels are `float` and the order of additions differs between instruction
//   sets, so results agree to rounding, not to the bit; ck_plane_*, ck_linear_*, ck_pack_* and
//   ck_hadamard_f64 agree to the bit;
// - nothing allocates, locks, prints or starts threads.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Which copy of the kernels runs.
enum ck_isa {
  CK_ISA_SCALAR = 0,        // the definition: no vector instructions
  CK_ISA_BASELINE = 1,      // what the compiler may assume everywhere: SSE2, or NEON on arm64
  CK_ISA_AVX2 = 2,          // AVX2 and FMA
  CK_ISA_AVX512 = 3,        // AVX-512 F, BW, DQ and VL; scans as with AVX2
  CK_ISA_AVX512_VNNI = 4,   // the same and VNNI, for scans and 8-bit linear layers
  CK_ISA_NEON_DOTPROD = 5,  // arm64 with the dot product instructions, for the same
};

// The copy in use: the best that this machine has, unless forced.
enum ck_isa ck_current_isa(void);

// Uses `isa` from now on, in the whole process. Returns 1, or 0 (and changes nothing) when this
// machine lacks it. For tests and benchmarks.
int ck_force_isa(enum ck_isa isa);

// Returns to the best copy.
void ck_choose_isa(void);

// output[r, i] = (input[r, i] - mean_r) / sqrt(variance_r + epsilon) * gain[i] + bias[i]
//
// input, output: (rows, width); gain, bias: (width). The variance is the biased one, over a second
// pass. `output` may be `input`. A row with NaN becomes NaN.
void ck_layer_norm_f32(
    const float *input, ptrdiff_t input_stride, float *output, ptrdiff_t output_stride,
    ptrdiff_t rows, ptrdiff_t width, const float *gain, const float *bias, float epsilon);

// scores[r, :] = softmax(scale * scores[r, 0 ..< visible_r]), and 0 from visible_r on,
// where visible_r = min(width, visible + r * growth).
//
// scores: (rows, width), in place. No mask: visible = width, growth = 0. Causal: 1 and 1.
// visible is at least 1 unless width is 0. The scores are finite.
void ck_softmax_f32(
    float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float scale,
    ptrdiff_t visible, ptrdiff_t growth);

// Attention of one head: rows that ask, tokens that are seen.
struct ck_attention {
  const float *queries, *keys, *values;  // (rows, width), (tokens, width), (tokens, width)
  ptrdiff_t query_stride, key_stride, value_stride;
  ptrdiff_t rows, tokens, width;
  float scale;                // above 0
  ptrdiff_t visible, growth;  // as for ck_softmax_f32
  float *output;              // (rows, width)
  ptrdiff_t output_stride;
  int keep;  // whether what `output` holds is added
};

// output[r, :] = keep * output[r, :] + sum over t of p[r, t] * values[t, :],
// where p[r, :] = softmax(scale * queries[r, :] . keys[t, :]) over the tokens that r sees.
//
// scratch: ck_attention_scratch(tokens, width) floats. `tokens` is at least 1; products are finite.
void ck_attention_f32(const struct ck_attention *attention, float *scratch);

// How many floats of work space ck_attention_f32 needs, whatever the instruction set.
ptrdiff_t ck_attention_scratch(ptrdiff_t tokens, ptrdiff_t width);

enum ck_activation {
  CK_IDENTITY = 0,
  CK_RELU = 1,        // max(x, 0)
  CK_GELU = 2,        // x/2 (1 + erf(x / sqrt 2))
  CK_GELU_QUICK = 3,  // x / (1 + exp(-1.702 x))
  CK_GELU_TANH = 4,   // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
};

// values[r, i] = activation(values[r, i] + bias[i]), in place; values: (rows, width).
// `bias` may be NULL: nothing is added. NaN stays NaN, except that relu(NaN) is 0. Absolute error
// below 1e-6 for inputs between -1e30 and 1e6.
void ck_bias_activation_f32(
    float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, const float *bias,
    enum ck_activation activation);

// values[r, :] /= |values[r, :]|, in place; values: (rows, width). A row of zeros stays zero.
void ck_normalize_f32(float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width);

// maxima[s, j] = max over p in bounds[s] ..< bounds[s + 1] of scores[p, j]
//
// scores: (bounds[segments], width); bounds: (segments + 1), rising; maxima: (segments, width).
// An empty segment gives -infinity. The scores are not NaN.
void ck_segment_max_f32(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride);

// As ck_segment_max_f32; places[s, j], (segments, width) without gaps, is the row of the maximum,
// counted from bounds[s]. Of equal maxima the first wins. An empty segment gives -1.
void ck_segment_argmax_f32(
    const float *scores, ptrdiff_t stride, const ptrdiff_t *bounds, ptrdiff_t segments,
    ptrdiff_t width, float *maxima, ptrdiff_t maxima_stride, int32_t *places);

// maxima[r] = max over i of scores[r, i]; scores: (rows, width), maxima: (rows).
// A row without elements gives -infinity. The scores are not NaN.
void ck_row_max_f32(
    const float *scores, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, float *maxima);

// Widens IEEE binary16 to binary32, exactly. NaN stays NaN (quiet), with its payload.
void ck_widen_f16(const uint16_t *halves, float *floats, ptrdiff_t count);

// Widens bfloat16 to binary32, exactly.
void ck_widen_bf16(const uint16_t *halves, float *floats, ptrdiff_t count);

// Rounds binary32 to IEEE binary16, ties to even; what is too large becomes infinite. NaN becomes
// the quiet NaN 0x7e00 with the sign kept.
void ck_narrow_f16(const float *floats, uint16_t *halves, ptrdiff_t count);

// products[w, p] = sum over i of words[w, i] * patches[p, i], in double precision
//
// words: (word_count, width); patches: (patch_count, width); products: (word_count, patch_count).
// The products of two floats are exact in a double, and the sum runs in the same order with every
// instruction set, so results agree to the bit.
void ck_dot_products_f64(
    const float *words, ptrdiff_t word_count, const float *patches, ptrdiff_t patch_count,
    ptrdiff_t width, double *products);

// values = H values, in place, where H[i, j] = (-1)^(number of bits set in i & j): the
// Walsh-Hadamard transform, not normalised (applied twice it multiplies by `count`).
//
// count: a power of two, or 0. log2(count) stages over distances 1, 2, 4, ...: (a, b) becomes
// (a + b, a - b). Every result has one tree of additions, so instruction sets agree to the bit.
void ck_hadamard_f64(double *values, ptrdiff_t count);

// Multiplies small integers in registers for `rounds` rounds, in the way of the scan kernel of the
// current instruction set: what it could do if it read nothing. Returns how many products that were;
// `result` is what came of them, so that nothing is left out.
double ck_multiply_in_registers(ptrdiff_t rounds, int32_t *result);

// The weights of a linear layer in 8 bits: blocks of 16 outputs, in each block groups of 4 inputs.
//
// Byte 4 j + i of a group's 64 bytes is the code, -127 ... 127, of output 16 b + j and input
// 4 g + i; 0 for outputs and inputs that do not exist. The weight is scale_output * code.
struct ck_linear {
  const int8_t *codes;   // (blocks, groups, 64)
  const int32_t *sums;   // (outputs): sum of an output's codes
  const float *scales;   // (outputs)
  const float *bias;     // (outputs), or NULL
  ptrdiff_t groups;      // ceil(inputs / 4); at most 16,384, so that every sum fits 32 bits
  ptrdiff_t outputs;
};

// Rows of a block; see below.
#define CK_ROW_BLOCK 12

// What a linear layer is applied to, in 8 bits: the value is scale_row * (code - zero_row).
//
// Codes come in blocks of 12 rows, in each block groups of 4 inputs: byte 4 r + i of a group's 48
// bytes is the code of row 12 b + r and input 4 g + i; 0 for rows that do not exist.
struct ck_linear_rows {
  const uint8_t *codes;  // (blocks, groups, 48)
  const float *scales;   // (rows)
  const int32_t *zeros;  // (rows): the code of 0, 0 ... 255
  ptrdiff_t rows;
};

// Makes the codes of rows of weights: output first + r from weights[r, :], for `outputs` of them.
//
// weights: (outputs, inputs); codes, sums and scales are those of the whole layer; what belongs to
// no output and no input is not written. scale = max |weight| / 127, and code = weight * 127 / max,
// rounded, halves away from 0. A row whose maximum is below 1e-30 gets scale 0, one with an infinity or
// NaN the scale NaN; codes 0 in both.
void ck_pack_linear_s8(
    const float *weights, ptrdiff_t stride, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first,
    int8_t *codes, int32_t *sums, float *scales);

// Makes the codes of values, (rows, width), for a linear layer of as many inputs: whole blocks of rows
// and whole groups are written. An input that does not exist gets the code of 0.
//
// From low = min(0, values) to high = max(0, values): scale = (high - low) / 255, and code =
// value / scale + zero, rounded. A row that spans less than 1e-30 gets scale 0 and codes 0, one
// with an infinity or NaN, or whose span is infinite, the scale NaN: what is made of it is NaN.
void ck_quantize_rows_u8(
    const float *values, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width, uint8_t *codes,
    float *scales, int32_t *zeros);

// output[r, j] = activation(keep * output[r, j]
//     + ((float)(sum over i of (code(r, i) - zero_r) * code(j, i)) * (scale_r * scale_j) + bias_j))
//
// output: (rows, outputs); `keep` is 0 (whatever `output` held is overwritten) or 1. The sum is exact,
// every other step before the activation is rounded once.
void ck_linear_s8(
    const struct ck_linear *layer, const struct ck_linear_rows *rows, float *output,
    ptrdiff_t stride, int keep, enum ck_activation activation);

// Quantised tokens, end to end: blocks of 16 tokens, in each block groups of 8 dimensions.
//
// Byte 4 t + i of a group's 64 bytes holds token t of the block: dimension 8 g + i in its low half,
// dimension 8 g + 4 + i in its high half. A code is 16 * (nibble of `high`) + (nibble of `low`), or
// the nibble of `high` alone where `low` is NULL.
struct ck_plane {
  const uint8_t *high;     // (blocks, groups, 64)
  const uint8_t *low;      // (blocks, groups, 64), or NULL: codes of 4 bits, 0 ... 15
  const uint16_t *scales;  // (blocks * 16), bfloat16, finite
  const uint8_t *reach;    // (blocks * 16), or NULL: what is added to a token's products
  ptrdiff_t groups;        // ceil(dimension / 8)
};

// Words to compare tokens with: code (w, 8 g + 4 h + i) is codes[((2 g + h) * words + w) * 4 + i].
struct ck_plane_query {
  const int8_t *codes;     // (groups, 2, words, 4); 0 for dimensions that do not exist
  const int32_t *initial;  // (words): what the sum of a word begins with
  const float *reach;      // (words): what one unit of a token's reach adds; see below
  ptrdiff_t words;         // at least 1
};

// product(t, w) = scale_t * (float)(initial_w + sum over d of code(t, d) * code(w, d))
//
// and, where the plane has reaches,
//
// product(t, w) = scale_t * ((float)(the same sum) + reach_t * reach_w)
//
// The sum is exact and must fit 32 bits (it wraps around); the conversion, the products and the
// addition are each rounded once.

// maxima[i, w] = max over t in bounds[i] ..< bounds[i + 1] of product(t, w)
//
// bounds: (images + 1), rising token numbers; an image may begin and end anywhere in a block.
// maxima: (images, words). An empty image gives -infinity; a maximum of zero is +0. Whole blocks
// are read, from the one of token bounds[0] to the one of token bounds[images] - 1, and no others
// are fetched.
void ck_plane_max(
    const struct ck_plane *plane, const struct ck_plane_query *query, const uint32_t *bounds,
    ptrdiff_t images, float *maxima);

// sums[i] = sum over t in bounds[i] ..< bounds[i + 1] of max over w of weights[w] * product(t, w)
//
// bounds as for ck_plane_max; weights: (words); sums: (images). The additions are ordered: in each
// lane (t mod 16) from +0 with t rising, then the lanes, 0 to 15. An empty image gives 0.
void ck_plane_sum_of_max(
    const struct ck_plane *plane, const struct ck_plane_query *query, const float *weights,
    const uint32_t *bounds, ptrdiff_t images, float *sums);

// rows[t, d] = scale * (code - middle) for tokens first ..< first + tokens and `width` dimensions
//
// rows: (tokens, width). With both nibbles the middle is 128; with the high ones alone the code is
// 16 * nibble and the middle 120.5. No product has more than 24 bits: it is exact.
void ck_plane_rows_f32(
    const struct ck_plane *plane, ptrdiff_t first, ptrdiff_t tokens, ptrdiff_t width, float *rows,
    ptrdiff_t stride);

// scores[i] = sum over j of max over t in bounds[i] ..< bounds[i + 1] of table[codes[t], j]
//
// bounds: (images + 1), rising; table: (rows, stride) with `stride` columns, 8 or a multiple of 16;
// scores: (images). Every code is the number of a row. An empty image gives 0.
void ck_screen_scores(
    const uint16_t *codes, const uint32_t *bounds, ptrdiff_t images, const uint8_t *table,
    ptrdiff_t stride, int32_t *scores);

// table[r, i] = (similarities[r, i] + 1) * 127.5, rounded, from 0 to 255; 0 for i from `width` on
//
// similarities: (rows, width), without gaps; table: (rows, stride). NaN gives 0.
void ck_screen_table(
    const float *similarities, ptrdiff_t rows, ptrdiff_t width, uint8_t *table, ptrdiff_t stride);

// The largest of the values, 0 when there are none.
uint16_t ck_largest_u16(const uint16_t *values, ptrdiff_t count);

#ifdef __cplusplus
}
#endif

#endif
