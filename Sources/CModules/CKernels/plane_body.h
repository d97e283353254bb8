// The scans, once. Each planes_<isa>.c includes this file after it has defined
//   CK_SUFFIX                what the names end in,
//   CK_PLANE_WORDS           the most words that CK_NAME(plane_products) takes at once,
//   CK_NAME(plane_products)  the arithmetic on codes:
//
//   void plane_products(
//       plane, query, first_word, word_count, first_block, block_count, end_block, products)
//
// writes product(t, w) for whole blocks, (block_count, word_count, 16); blocks before end_block may
// be fetched ahead. What is here cuts a run of
// images into chunks of blocks that stay in the caches while one tile of words after the other
// visits them, and takes maxima and sums of the products between the bounds of images. So the
// arithmetic meets no image bounds, and the price is one store and one load per 16 products.
//
// Vectors of 16 floats are written with the compiler's extension, which splits them where registers
// are narrower.

#define CK_PLANE_CHUNK 16

#pragma clang fp contract(off)

typedef float ck_lanes __attribute__((ext_vector_type(16)));
typedef int32_t ck_lane_bits __attribute__((ext_vector_type(16)));

static const ck_lane_bits CK_NAME(lane_numbers) = {0, 1, 2,  3,  4,  5,  6,  7,
                                                   8, 9, 10, 11, 12, 13, 14, 15};

#define CK_MAX(a, b) ((a) > (b) ? (a) : (b))
#define CK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CK_SHUFFLE __builtin_shufflevector
// Of the lanes of block `block` those of tokens start ..< end, all counted in one chunk.
#define CK_INSIDE(block, start, end)                                                  \
  ((CK_NAME(lane_numbers) >= (int32_t)((start) - 16 * (block))) &                     \
   (CK_NAME(lane_numbers) < (int32_t)((end) - 16 * (block))))

// maxima[w] = max(maxima[w], products of tokens start ..< end of the chunk), start < end, for four
// words, the first `used` of which exist: their maxima stay in registers and are reduced together.
// `stride` counts vectors from one block to the next.
static inline __attribute__((always_inline)) void CK_NAME(four_max)(
    const ck_lanes *lanes, ptrdiff_t stride, ptrdiff_t start, ptrdiff_t end, float *maxima,
    int used) {
  ptrdiff_t first = start / 16, last = (end - 1) / 16;
  ck_lanes nothing = (ck_lanes)(-INFINITY);
  ck_lane_bits in_first = CK_INSIDE(first, start, end), in_last = CK_INSIDE(last, start, end);
  const ck_lanes *row = lanes + first * stride;
  ck_lanes m[4];
#pragma unroll
  for (int w = 0; w < 4; w++) m[w] = in_first ? row[CK_MIN(w, used - 1)] : nothing;
  for (ptrdiff_t block = first + 1; block < last; block++) {
    row += stride;
#pragma unroll
    for (int w = 0; w < 4; w++) m[w] = CK_MAX(m[w], row[CK_MIN(w, used - 1)]);
  }
  row = lanes + last * stride;
#pragma unroll
  for (int w = 0; w < 4; w++) {
    ck_lanes edge = in_last ? row[CK_MIN(w, used - 1)] : nothing;
    m[w] = CK_MAX(m[w], edge);
  }
  // A tree that halves the lanes of each word and brings words together: 4 x 16, 2 x (2 x 8),
  // 4 x 4. Lane 4 w of the result is the maximum of word w.
#pragma unroll
  for (int w = 0; w < 4; w += 2) {
    ck_lanes a = m[w], b = m[w + 1];
    ck_lanes left = CK_SHUFFLE(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    ck_lanes right = CK_SHUFFLE(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    m[w] = CK_MAX(left, right);
  }
  ck_lanes a = m[0], b = m[2];
  ck_lanes left = CK_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  ck_lanes right = CK_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  a = CK_MAX(left, right);
  b = CK_SHUFFLE(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  a = CK_MAX(a, b);
  b = CK_SHUFFLE(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  a = CK_MAX(a, b);
  // Adding +0 turns -0 into +0.
#pragma unroll
  for (int w = 0; w < 4; w++)
    if (w < used) maxima[w] = CK_MAX(maxima[w], a[4 * w]) + 0.0f;
}

// The same for the `words` words of a tile.
static inline void CK_NAME(range_max)(
    const float *products, int words, ptrdiff_t start, ptrdiff_t end, float *maxima) {
  const ck_lanes *lanes = (const ck_lanes *)products;
  int word = 0;
  for (; word + 4 <= words; word += 4)
    CK_NAME(four_max)(lanes + word, words, start, end, maxima + word, 4);
  if (word < words)
    CK_NAME(four_max)(lanes + word, words, start, end, maxima + word, words - word);
}

// The words of the tile that begins with `word`: tiles of nearly one size, the larger ones first.
static inline int CK_NAME(tile_words)(ptrdiff_t words, ptrdiff_t word) {
  ptrdiff_t tiles = (words - word + CK_PLANE_WORDS - 1) / CK_PLANE_WORDS;
  return (int)((words - word + tiles - 1) / tiles);
}

static void CK_NAME(plane_max)(
    const struct ck_plane *plane, const struct ck_plane_query *query, const uint32_t *bounds,
    ptrdiff_t images, float *maxima) {
  _Alignas(64) float products[CK_PLANE_CHUNK * CK_PLANE_WORDS * 16];
  for (ptrdiff_t i = 0; i < images * query->words; i++) maxima[i] = -INFINITY;
  ptrdiff_t begin = images > 0 ? bounds[0] : 0, end = images > 0 ? bounds[images] : 0;
  ptrdiff_t image = 0;  // the first that has not ended before the chunk
  for (ptrdiff_t base = begin / 16 * 16; base < end; base += 16 * CK_PLANE_CHUNK) {
    ptrdiff_t start = CK_MAX(begin, base), stop = CK_MIN(end, base + 16 * CK_PLANE_CHUNK);
    int count;
    for (ptrdiff_t word = 0; word < query->words; word += count) {
      count = CK_NAME(tile_words)(query->words, word);
      CK_NAME(plane_products)(
          plane, query, word, count, base / 16, (stop - base + 15) / 16, (end + 15) / 16,
          products);
      for (ptrdiff_t i = image; i < images && bounds[i] < stop; i++) {
        ptrdiff_t first = CK_MAX(start, bounds[i]), last = CK_MIN(stop, bounds[i + 1]);
        if (first >= last) continue;
        CK_NAME(range_max)(
            products, count, first - base, last - base, maxima + i * query->words + word);
      }
    }
    while (image < images && bounds[image + 1] <= stop) image++;
  }
}

static void CK_NAME(plane_sum_of_max)(
    const struct ck_plane *plane, const struct ck_plane_query *query, const float *weights,
    const uint32_t *bounds, ptrdiff_t images, float *sums) {
  _Alignas(64) float products[CK_PLANE_CHUNK * CK_PLANE_WORDS * 16];
  ck_lanes best[CK_PLANE_CHUNK];  // per token of the chunk, over the words so far
  const ck_lanes *product = (const ck_lanes *)products;
  for (ptrdiff_t i = 0; i < images; i++) sums[i] = 0.0f;
  ptrdiff_t begin = images > 0 ? bounds[0] : 0, end = images > 0 ? bounds[images] : 0;
  ptrdiff_t image = 0;  // the first whose sum is not complete
  ck_lanes sum = 0.0f;  // of its tokens so far
  for (ptrdiff_t base = begin / 16 * 16; base < end; base += 16 * CK_PLANE_CHUNK) {
    ptrdiff_t start = CK_MAX(begin, base), stop = CK_MIN(end, base + 16 * CK_PLANE_CHUNK);
    ptrdiff_t blocks = (stop - base + 15) / 16;
    int count;
    for (ptrdiff_t word = 0; word < query->words; word += count) {
      count = CK_NAME(tile_words)(query->words, word);
      CK_NAME(plane_products)(
          plane, query, word, count, base / 16, blocks, (end + 15) / 16, products);
      for (ptrdiff_t block = 0; block < blocks; block++) {
        ck_lanes largest = word > 0 ? best[block] : (ck_lanes)(-INFINITY);
        for (int w = 0; w < count; w++) {
          ck_lanes value = weights[word + w] * product[block * count + w];
          largest = CK_MAX(value, largest);
        }
        best[block] = largest;
      }
    }
    for (; image < images && bounds[image] < stop; image++) {
      ptrdiff_t first = CK_MAX(start, bounds[image]) - base;
      ptrdiff_t last = CK_MIN(stop, bounds[image + 1]) - base;
      for (ptrdiff_t block = first / 16; 16 * block < last; block++)
        sum += CK_INSIDE(block, first, last) ? best[block] : (ck_lanes)(0.0f);
      if (bounds[image + 1] > stop) break;
      for (int lane = 0; lane < 16; lane++) sums[image] += sum[lane];
      sum = (ck_lanes)(0.0f);
    }
  }
}

#define CK_PLANE_TABLE {CK_NAME(plane_max), CK_NAME(plane_sum_of_max)}
