// TIFFGetField is variadic, and error handlers take va_list.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include "CImageShims.h"

struct filip_tiff {
  const uint8_t *bytes;
  uint64_t count;
  uint64_t position;
  TIFF *file;
  uint32_t width, height;
  int orientation;
  bool premultiplied;
  toff_t gps;  // where the GPS directory lies; 0 for none
  char message[FILIP_MESSAGE_SIZE];  // the first error, which is the cause of the others
};

static tmsize_t read_bytes(thandle_t handle, void *buffer, tmsize_t size) {
  filip_tiff *tiff = (filip_tiff *)handle;
  if (size <= 0 || tiff->position >= tiff->count) return 0;
  uint64_t left = tiff->count - tiff->position;
  uint64_t taken = (uint64_t)size < left ? (uint64_t)size : left;
  memcpy(buffer, tiff->bytes + tiff->position, taken);
  tiff->position += taken;
  return (tmsize_t)taken;
}

static tmsize_t write_bytes(thandle_t handle, void *buffer, tmsize_t size) {
  (void)handle, (void)buffer, (void)size;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int origin) {
  filip_tiff *tiff = (filip_tiff *)handle;
  if (origin == SEEK_CUR) offset += tiff->position;
  if (origin == SEEK_END) offset += tiff->count;
  tiff->position = offset;
  return offset;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of(thandle_t handle) { return ((filip_tiff *)handle)->count; }

static int map(thandle_t handle, void **base, toff_t *size) {
  filip_tiff *tiff = (filip_tiff *)handle;
  *base = (void *)tiff->bytes;
  *size = tiff->count;
  return 1;
}

static void unmap(thandle_t handle, void *base, toff_t size) {
  (void)handle, (void)base, (void)size;
}

static int keep_message(TIFF *file, void *user, const char *place, const char *format,
                        va_list arguments) {
  (void)file, (void)place;
  filip_tiff *tiff = user;
  if (!tiff->message[0]) vsnprintf(tiff->message, sizeof tiff->message, format, arguments);
  return 1;
}

static int drop_message(TIFF *file, void *user, const char *place, const char *format,
                        va_list arguments) {
  (void)file, (void)user, (void)place, (void)format, (void)arguments;
  return 1;
}

filip_tiff *filip_tiff_open(const uint8_t *bytes, size_t count, size_t largest_allocation,
                            char *message) {
  filip_tiff *tiff = calloc(1, sizeof *tiff);
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!tiff || !options) {
    free(tiff);
    TIFFOpenOptionsFree(options);
    snprintf(message, FILIP_MESSAGE_SIZE, "out of memory");
    return NULL;
  }
  tiff->bytes = bytes;
  tiff->count = count;
  TIFFOpenOptionsSetErrorHandlerExtR(options, keep_message, tiff);
  TIFFOpenOptionsSetWarningHandlerExtR(options, drop_message, NULL);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)largest_allocation);
  // As if mapped: saves copies, and libtiff 4.5.0 refuses some sound tiles when it has to read.
  tiff->file = TIFFClientOpenExt("image", "r", (thandle_t)tiff, read_bytes, write_bytes, seek,
                                 close_nothing, size_of, map, unmap, options);
  TIFFOpenOptionsFree(options);
  if (!tiff->file || !TIFFGetField(tiff->file, TIFFTAG_IMAGEWIDTH, &tiff->width)
      || !TIFFGetField(tiff->file, TIFFTAG_IMAGELENGTH, &tiff->height)) {
    snprintf(message, FILIP_MESSAGE_SIZE, "%s",
             tiff->message[0] ? tiff->message : "no width or height");
    filip_tiff_close(tiff);
    return NULL;
  }
  uint16_t orientation = 1, samples = 1, extra_count = 0, *extra = NULL;
  TIFFGetFieldDefaulted(tiff->file, TIFFTAG_ORIENTATION, &orientation);
  TIFFGetFieldDefaulted(tiff->file, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff->file, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
  tiff->orientation = orientation;
  TIFFGetField(tiff->file, TIFFTAG_GPSIFD, &tiff->gps);
  // libtiff multiplies colours with alpha, but leaves grey as it is.
  bool straight_gray = samples == 2 && extra_count > 0 && extra[0] != EXTRASAMPLE_ASSOCALPHA;
  tiff->premultiplied = !straight_gray;
  return tiff;
}

void filip_tiff_size(const filip_tiff *tiff, uint32_t *width, uint32_t *height) {
  *width = tiff->width;
  *height = tiff->height;
}

int filip_tiff_orientation(const filip_tiff *tiff) { return tiff->orientation; }

bool filip_tiff_is_premultiplied(const filip_tiff *tiff) { return tiff->premultiplied; }

bool filip_tiff_is_supported(filip_tiff *tiff, char *message) {
  char text[1024] = "";
  if (TIFFRGBAImageOK(tiff->file, text)) return true;
  snprintf(message, FILIP_MESSAGE_SIZE, "%s", text);
  return false;
}

bool filip_tiff_decode(filip_tiff *tiff, uint32_t *pixels, char *message) {
  char text[1024] = "";
  TIFFRGBAImage image;
  bool stop_on_error = true;
  bool done = false;
  tiff->message[0] = 0;
  if (TIFFRGBAImageBegin(&image, tiff->file, stop_on_error, text)) {
    // libtiff can flip but not turn; we do both, later.
    image.orientation = ORIENTATION_TOPLEFT;
    image.req_orientation = ORIENTATION_TOPLEFT;
    if (image.width == tiff->width && image.height == tiff->height)
      done = TIFFRGBAImageGet(&image, pixels, image.width, image.height);
    TIFFRGBAImageEnd(&image);
  }
  if (done && !tiff->message[0]) return true;
  snprintf(message, FILIP_MESSAGE_SIZE, "%s", tiff->message[0] ? tiff->message : text);
  return false;
}

const char *filip_tiff_text(filip_tiff *tiff, uint32_t tag) {
  const TIFFField *field = TIFFFieldWithTag(tiff->file, tag);
  if (!field || TIFFFieldDataType(field) != TIFF_ASCII || TIFFFieldPassCount(field)) return NULL;
  const char *text = NULL;
  return TIFFGetField(tiff->file, tag, &text) ? text : NULL;
}

bool filip_tiff_enter_exif(filip_tiff *tiff) {
  toff_t offset = 0;
  return TIFFGetField(tiff->file, TIFFTAG_EXIFIFD, &offset)
         && TIFFReadEXIFDirectory(tiff->file, offset);
}

// Three numbers, which libtiff keeps as float or double by its version.
static bool read_three(TIFF *file, uint32_t tag, double *numbers) {
  const TIFFField *field = TIFFFieldWithTag(file, tag);
  void *found = NULL;
  if (!field || TIFFFieldReadCount(field) != 3 || TIFFFieldPassCount(field)
      || !TIFFGetField(file, tag, &found) || !found)
    return false;
  bool wide = TIFFFieldSetGetSize(field) == sizeof(double);
  for (int i = 0; i < 3; i++) numbers[i] = wide ? ((double *)found)[i] : ((float *)found)[i];
  return true;
}

static uint8_t read_letter(TIFF *file, uint32_t tag) {
  const char *text = NULL;
  return TIFFGetField(file, tag, &text) && text ? (uint8_t)text[0] : 0;
}

bool filip_tiff_read_gps(filip_tiff *tiff, filip_gps *gps) {
  if (!tiff->gps || !TIFFReadGPSDirectory(tiff->file, tiff->gps)) return false;
  gps->latitude_reference = read_letter(tiff->file, GPSTAG_LATITUDEREF);
  gps->longitude_reference = read_letter(tiff->file, GPSTAG_LONGITUDEREF);
  const TIFFField *field = TIFFFieldWithTag(tiff->file, GPSTAG_ALTITUDE);
  if (field && TIFFFieldSetGetSize(field) == sizeof(double))
    gps->has_altitude = TIFFGetField(tiff->file, GPSTAG_ALTITUDE, &gps->altitude);
  uint8_t below = 0;
  gps->is_below_sea = TIFFGetField(tiff->file, GPSTAG_ALTITUDEREF, &below) && below == 1;
  return read_three(tiff->file, GPSTAG_LATITUDE, gps->latitude)
         && read_three(tiff->file, GPSTAG_LONGITUDE, gps->longitude);
}

void filip_tiff_close(filip_tiff *tiff) {
  if (tiff->file) TIFFClose(tiff->file);
  free(tiff);
}

const char *filip_tiff_version(void) {
  return TIFFGetVersion();
}
