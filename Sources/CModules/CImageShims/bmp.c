// stb_image is a header; only its BMP part is compiled, and only into this file.
#include <stdio.h>
#include <string.h>
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_FAILURE_USERMSG
// Its asserts are checks of the file, repeated as errors right after.
#define STBI_ASSERT(condition) ((void)0)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma clang diagnostic pop
#include "CImageShims.h"

/// stb_image takes zeros for bytes that are missing; this reader remembers that it did.
struct reader {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  bool ended_early;
};

static int read_bytes(void *user, char *buffer, int size) {
  struct reader *reader = user;
  size_t left = reader->count - reader->position;
  size_t taken = (size_t)size < left ? (size_t)size : left;
  memcpy(buffer, reader->bytes + reader->position, taken);
  reader->position += taken;
  if (taken == 0) reader->ended_early = true;
  return (int)taken;
}

static void skip(void *user, int size) {
  struct reader *reader = user;
  if (size < 0) {
    size_t back = (size_t)-(int64_t)size;
    reader->position = back < reader->position ? reader->position - back : 0;
  } else {
    size_t left = reader->count - reader->position;
    reader->position += (size_t)size < left ? (size_t)size : left;
  }
}

static int at_end(void *user) {
  struct reader *reader = user;
  return reader->position >= reader->count;
}

static const stbi_io_callbacks callbacks = {read_bytes, skip, at_end};

bool filip_bmp_info(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height,
                    char *message) {
  struct reader reader = {bytes, count, 0, false};
  int x = 0, y = 0, channels = 0;
  // The public function would replace the reason by "unknown".
  stbi__context context;
  stbi__start_callbacks(&context, (stbi_io_callbacks *)&callbacks, &reader);
  if (stbi__bmp_test(&context) && stbi__bmp_info(&context, &x, &y, &channels) && x > 0 && y != 0
      && y != INT32_MIN) {
    *width = (uint32_t)x;
    *height = (uint32_t)(y < 0 ? -y : y);  // negative: stored from the top
    return true;
  }
  snprintf(message, FILIP_MESSAGE_SIZE, "%s",
           reader.ended_early || !stbi_failure_reason() ? "the file ends early"
                                                        : stbi_failure_reason());
  return false;
}

uint8_t *filip_bmp_decode(const uint8_t *bytes, size_t count, char *message) {
  struct reader reader = {bytes, count, 0, false};
  int x = 0, y = 0, channels = 0;
  uint8_t *pixels = stbi_load_from_callbacks(&callbacks, &reader, &x, &y, &channels, 4);
  if (pixels && !reader.ended_early) return pixels;
  snprintf(message, FILIP_MESSAGE_SIZE, "%s",
           reader.ended_early ? "the file ends early" : stbi_failure_reason());
  stbi_image_free(pixels);
  return NULL;
}

// Only a comment of the header says which release it is; its interface has a number.
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
const char *filip_bmp_version(void) { return "interface " TEXT(STBI_VERSION); }
