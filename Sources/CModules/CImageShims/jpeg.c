// setjmp lives and dies in this file.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>
#include "CImageShims.h"

/// A progressive file of a few kilobytes may hold thousands of scans, each of which touches the
/// whole picture. Real files have about ten.
static const int maximumScanCount = 200;

struct failure {
  struct jpeg_error_mgr manager;
  jmp_buf destination;
  char *message;
};

struct filip_jpeg {
  struct jpeg_decompress_struct state;
  struct failure failure;
  struct jpeg_progress_mgr progress;
};

/// Formats the message and leaves through longjmp.
static void fail(j_common_ptr state) {
  struct failure *failure = (struct failure *)state->err;
  char text[JMSG_LENGTH_MAX];
  state->err->format_message(state, text);
  snprintf(failure->message, FILIP_MESSAGE_SIZE, "%s", text);
  longjmp(failure->destination, 1);
}

/// libjpeg goes on with grey after most damage. We do not, except after what leaves the picture
/// whole.
static void warn(j_common_ptr state, int level) {
  if (level >= 0) return;
  switch (state->err->msg_code) {
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_ADOBE_XFORM:
  case JWRN_JFIF_MAJOR:
  case JWRN_BOGUS_PROGRESSION:
    return;
  default:
    fail(state);
  }
}

static void say_nothing(j_common_ptr state) { (void)state; }

static void count_scans(j_common_ptr state) {
  if (((j_decompress_ptr)state)->input_scan_number <= maximumScanCount) return;
  struct failure *failure = (struct failure *)state->err;
  snprintf(failure->message, FILIP_MESSAGE_SIZE, "more than %d scans", maximumScanCount);
  longjmp(failure->destination, 1);
}

static struct jpeg_error_mgr *silent_errors(struct failure *failure, char *message) {
  struct jpeg_error_mgr *manager = jpeg_std_error(&failure->manager);
  manager->error_exit = fail;
  manager->emit_message = warn;
  manager->output_message = say_nothing;
  failure->message = message;
  message[0] = 0;
  return manager;
}

filip_jpeg *filip_jpeg_open(const uint8_t *bytes, size_t count, char *message) {
  filip_jpeg *jpeg = calloc(1, sizeof *jpeg);
  if (!jpeg) {
    snprintf(message, FILIP_MESSAGE_SIZE, "out of memory");
    return NULL;
  }
  jpeg->state.err = silent_errors(&jpeg->failure, message);
  if (setjmp(jpeg->failure.destination)) {
    filip_jpeg_close(jpeg);
    return NULL;
  }
  jpeg_create_decompress(&jpeg->state);
  jpeg->progress.progress_monitor = count_scans;
  jpeg->state.progress = &jpeg->progress;
  jpeg_save_markers(&jpeg->state, JPEG_APP0 + 1, 0xFFFF);
  jpeg_mem_src(&jpeg->state, bytes, count);
  jpeg_read_header(&jpeg->state, TRUE);
  return jpeg;
}

void filip_jpeg_size(const filip_jpeg *jpeg, uint32_t *width, uint32_t *height) {
  *width = jpeg->state.image_width;
  *height = jpeg->state.image_height;
}

const uint8_t *filip_jpeg_exif(const filip_jpeg *jpeg, size_t *count) {
  for (jpeg_saved_marker_ptr marker = jpeg->state.marker_list; marker; marker = marker->next) {
    if (marker->data_length > 6 && memcmp(marker->data, "Exif\0", 6) == 0) {
      *count = marker->data_length;
      return marker->data;
    }
  }
  *count = 0;
  return NULL;
}

/// Turns a row of CMYK into RGB as Pillow does. Adobe stores CMYK inverted.
static void convert_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width, bool inverted) {
  for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    unsigned paper = inverted ? cmyk[3] : 255 - cmyk[3];
    for (int channel = 0; channel < 3; channel++) {
      unsigned light = inverted ? cmyk[channel] : 255 - cmyk[channel];
      rgb[channel] = (uint8_t)((light * paper + 127) / 255);
    }
  }
}

bool filip_jpeg_decode(filip_jpeg *jpeg, uint8_t *pixels, char *message) {
  j_decompress_ptr state = &jpeg->state;
  jpeg->failure.message = message;
  message[0] = 0;
  if (setjmp(jpeg->failure.destination)) return false;
  bool cmyk = state->jpeg_color_space == JCS_CMYK || state->jpeg_color_space == JCS_YCCK;
  state->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(state);
  size_t width = state->output_width;
  // Owned by libjpeg, hence freed on every path.
  JSAMPARRAY row = state->mem->alloc_sarray(
    (j_common_ptr)state, JPOOL_IMAGE, (JDIMENSION)width * (cmyk ? 4 : 3), 1);
  while (state->output_scanline < state->output_height) {
    uint8_t *line = pixels + (size_t)state->output_scanline * width * 3;
    jpeg_read_scanlines(state, row, 1);
    if (cmyk) {
      convert_cmyk(row[0], line, width, state->saw_Adobe_marker);
    } else {
      memcpy(line, row[0], width * 3);
    }
  }
  jpeg_finish_decompress(state);
  return true;
}

void filip_jpeg_close(filip_jpeg *jpeg) {
  jpeg_destroy_decompress(&jpeg->state);
  free(jpeg);
}

uint8_t *filip_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
                           size_t *count, char *message) {
  struct {
    struct jpeg_compress_struct state;
    struct failure failure;
    unsigned char *bytes;
    unsigned long size;
  } *job = calloc(1, sizeof *job);
  if (!job) {
    snprintf(message, FILIP_MESSAGE_SIZE, "out of memory");
    return NULL;
  }
  job->state.err = silent_errors(&job->failure, message);
  if (setjmp(job->failure.destination)) {
    jpeg_destroy_compress(&job->state);
    free(job->bytes);
    free(job);
    return NULL;
  }
  jpeg_create_compress(&job->state);
  jpeg_mem_dest(&job->state, &job->bytes, &job->size);
  job->state.image_width = width;
  job->state.image_height = height;
  job->state.input_components = 3;
  job->state.in_color_space = JCS_RGB;
  jpeg_set_defaults(&job->state);
  jpeg_set_quality(&job->state, quality, TRUE);
  job->state.optimize_coding = TRUE;
  jpeg_start_compress(&job->state, TRUE);
  while (job->state.next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)job->state.next_scanline * width * 3);
    jpeg_write_scanlines(&job->state, &row, 1);
  }
  jpeg_finish_compress(&job->state);
  jpeg_destroy_compress(&job->state);
  uint8_t *result = job->bytes;
  *count = job->size;
  free(job);
  return result;
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *filip_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION);
#else
  return "libjpeg " TEXT(JPEG_LIB_VERSION);
#endif
}
