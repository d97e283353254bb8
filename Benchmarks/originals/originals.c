// How small and how fast zstd makes the tokens of an index: every level, without and with a trained dictionary.
//
// Reads a .safetensors file with "embeddings" (F16 or F32) and "lengths" (I64), as `filip export` and `filip embed`
// write it. Every item is compressed by itself, as `TokenCodec` does it: half precision, all low bytes, then all high
// bytes, one frame of two blocks with a checksum. The first tenth of the items trains the dictionary and is not measured.
#define ZSTD_STATIC_LINKING_ONLY
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zdict.h>
#include <zstd.h>

typedef struct {
  size_t begin, end;  // bytes within the file
  int is_half;
} tensor;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static void fail(const char *message) {
  fprintf(stderr, "originals: %s\n", message);
  exit(65);
}

// Finds a tensor in the header; good enough for files that filip wrote.
static tensor find(const char *header, size_t data_start, const char *name, const char **shape) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":{", name);
  const char *entry = strstr(header, key);
  if (!entry) fail("the file lacks embeddings or lengths");
  const char *offsets = strstr(entry, "\"data_offsets\":[");
  *shape = strstr(entry, "\"shape\":[");
  tensor found;
  if (!offsets || !*shape ||
      sscanf(offsets, "\"data_offsets\":[%zu,%zu]", &found.begin, &found.end) != 2)
    fail("a tensor without offsets");
  found.begin += data_start;
  found.end += data_start;
  const char *type = strstr(entry, "\"dtype\":\"");
  found.is_half = type && strncmp(type + 9, "F16", 3) == 0;
  return found;
}

// The planes of all items, one after the other.
static uint8_t *planes;
static size_t *starts;  // bytes; items + 1
static size_t item_count;
static size_t zero_low_bits;  // values that a bfloat16 holds as well
static size_t value_count;

static void load(const char *path) {
  int file = open(path, O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) fail("cannot open the file");
  const uint8_t *bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) fail("cannot map the file");
  uint64_t header_size;
  memcpy(&header_size, bytes, 8);
  char *header = strndup((const char *)bytes + 8, header_size);
  const char *shape;
  tensor lengths = find(header, 8 + header_size, "lengths", &shape);
  tensor tokens = find(header, 8 + header_size, "embeddings", &shape);
  size_t rows, dimension;
  if (sscanf(shape, "\"shape\":[%zu,%zu]", &rows, &dimension) != 2) fail("tokens of another shape");
  item_count = (lengths.end - lengths.begin) / 8;
  value_count = rows * dimension;
  planes = malloc(2 * value_count);
  starts = malloc((item_count + 1) * sizeof *starts);
  const uint8_t *source = bytes + tokens.begin;
  size_t position = 0;
  for (size_t item = 0; item < item_count; item++) {
    int64_t length;
    memcpy(&length, bytes + lengths.begin + 8 * item, 8);
    size_t count = (size_t)length * dimension;
    starts[item] = position;
    for (size_t index = 0; index < count; index++) {
      uint16_t half;
      if (tokens.is_half) {
        memcpy(&half, source, 2);
        source += 2;
      } else {
        float value;
        memcpy(&value, source, 4);
        source += 4;
        _Float16 rounded = (_Float16)value;
        memcpy(&half, &rounded, 2);
      }
      _Float16 value;
      memcpy(&value, &half, 2);
      float wide = (float)value;
      uint32_t bits;
      memcpy(&bits, &wide, 4);
      zero_low_bits += (bits & 0xFFFF) == 0;
      planes[position + index] = (uint8_t)half;
      planes[position + count + index] = (uint8_t)(half >> 8);
    }
    position += 2 * count;
  }
  starts[item_count] = position;
  printf("%s: %zu items, %zu tokens of %zu dimensions, %.1f MB in half precision; %.3f of the values are bfloat16\n",
         strrchr(path, '/') ? strrchr(path, '/') + 1 : path, item_count, rows, dimension, position / 1e6,
         (double)zero_low_bits / value_count);
}

static size_t compress(ZSTD_CCtx *context, size_t item, uint8_t *output, size_t capacity) {
  size_t size = starts[item + 1] - starts[item];
  ZSTD_outBuffer target = {output, capacity, 0};
  ZSTD_inBuffer source = {planes + starts[item], size / 2, 0};
  ZSTD_CCtx_setPledgedSrcSize(context, size);
  if (ZSTD_compressStream2(context, &target, &source, ZSTD_e_flush) != 0) fail("compression");
  source.size = size;
  if (ZSTD_compressStream2(context, &target, &source, ZSTD_e_end) != 0) fail("compression");
  return target.pos;
}

static void measure(int level, const void *dictionary, size_t dictionary_size, size_t first) {
  ZSTD_CCtx *compressor = ZSTD_createCCtx();
  ZSTD_DCtx *decompressor = ZSTD_createDCtx();
  ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, 1);
  ZSTD_CDict *writing = NULL;
  ZSTD_DDict *reading = NULL;
  if (dictionary) {
    writing = ZSTD_createCDict(dictionary, dictionary_size, level);
    reading = ZSTD_createDDict(dictionary, dictionary_size);
    ZSTD_CCtx_refCDict(compressor, writing);
    ZSTD_DCtx_refDDict(decompressor, reading);
  }
  size_t total = starts[item_count] - starts[first];
  size_t capacity = 2 * total + (1 << 20);
  uint8_t *compressed = malloc(capacity), *output = malloc(total + 1);
  size_t *ends = malloc((item_count + 1) * sizeof *ends);
  double begun = seconds();
  size_t position = 0;
  for (size_t item = first; item < item_count; item++) {
    position += compress(compressor, item, compressed + position, capacity - position);
    ends[item] = position;
  }
  double compression = seconds() - begun;
  double best = 1e9;
  for (int repetition = 0; repetition < 5; repetition++) {
    begun = seconds();
    size_t start = 0;
    for (size_t item = first; item < item_count; item++) {
      size_t size = starts[item + 1] - starts[item];
      if (ZSTD_decompressDCtx(decompressor, output, size, compressed + start, ends[item] - start) != size)
        fail("decompression");
      if (repetition == 0 && memcmp(output, planes + starts[item], size) != 0) fail("other bytes");
      start = ends[item];
    }
    double taken = seconds() - begun;
    if (taken < best) best = taken;
  }
  printf("| %2d | %s | %.4f | %.0f | %.0f |\n", level, dictionary ? "yes" : "no", (double)position / total,
         total / compression / 1e6, total / best / 1e6);
  fflush(stdout);
  free(compressed);
  free(output);
  free(ends);
  ZSTD_freeCDict(writing);
  ZSTD_freeDDict(reading);
  ZSTD_freeCCtx(compressor);
  ZSTD_freeDCtx(decompressor);
}

int main(int argc, char **argv) {
  if (argc != 2) fail("give one .safetensors file");
  load(argv[1]);
  size_t first = item_count / 10;
  size_t sizes_count = first;
  size_t *sizes = malloc((sizes_count + 1) * sizeof *sizes);
  for (size_t item = 0; item < first; item++) sizes[item] = starts[item + 1] - starts[item];
  size_t dictionary_size = 112640;
  void *dictionary = malloc(dictionary_size);
  dictionary_size = ZDICT_trainFromBuffer(dictionary, dictionary_size, planes, sizes, (unsigned)sizes_count);
  int is_trained = !ZDICT_isError(dictionary_size);
  if (!is_trained) printf("no dictionary: %s\n", ZDICT_getErrorName(dictionary_size));
  printf("| level | dictionary | ratio | compression, MB/s | decompression, MB/s |\n| --- | --- | --- | --- | --- |\n");
  int levels[] = {1, 3, 6, 9, 12, 19};
  for (size_t index = 0; index < sizeof levels / sizeof *levels; index++) {
    measure(levels[index], NULL, 0, first);
    if (is_trained) measure(levels[index], dictionary, dictionary_size, first);
  }
  return 0;
}
