// What Swift cannot say about image libraries: setjmp, variadic calls, static headers, and
// function pointers typed after a header. Everything here decodes from memory, writes messages to
// the caller's buffer and never prints.
#ifndef CIMAGESHIMS_H
#define CIMAGESHIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libheif/heif.h>

/// Bytes of a message buffer, its final zero included.
#define FILIP_MESSAGE_SIZE 256

// JPEG (libjpeg-turbo) ----------------------------------------------------------------------------

/// A JPEG whose header was read.
typedef struct filip_jpeg filip_jpeg;

/// Reads the header. `bytes` must outlive the reader. NULL and a message when that fails.
filip_jpeg *_Nullable filip_jpeg_open(const uint8_t *_Nonnull bytes, size_t count,
                                      char *_Nonnull message);
/// Size as stored, before any rotation.
void filip_jpeg_size(const filip_jpeg *_Nonnull jpeg, uint32_t *_Nonnull width,
                     uint32_t *_Nonnull height);
/// The payload of the APP1 segment that starts with "Exif", or NULL.
const uint8_t *_Nullable filip_jpeg_exif(const filip_jpeg *_Nonnull jpeg, size_t *_Nonnull count);
/// Writes (height, width, 3) bytes of RGB. False and a message when the data is damaged or ends
/// early. Call once.
bool filip_jpeg_decode(filip_jpeg *_Nonnull jpeg, uint8_t *_Nonnull pixels,
                       char *_Nonnull message);
/// Frees the reader.
void filip_jpeg_close(filip_jpeg *_Nonnull jpeg);

/// Compresses (height, width, 3) bytes of RGB. The result is freed with `free`; NULL and a message
/// when that fails.
uint8_t *_Nullable filip_jpeg_encode(const uint8_t *_Nonnull pixels, uint32_t width,
                                     uint32_t height, int quality, size_t *_Nonnull count,
                                     char *_Nonnull message);
/// The library's version.
const char *_Nonnull filip_jpeg_version(void);

// TIFF (libtiff) ----------------------------------------------------------------------------------

/// The first page of a TIFF.
typedef struct filip_tiff filip_tiff;

/// Reads the first directory. `bytes` must outlive the reader. No single allocation of the library
/// exceeds `largest_allocation`. NULL and a message when that fails.
filip_tiff *_Nullable filip_tiff_open(const uint8_t *_Nonnull bytes, size_t count,
                                      size_t largest_allocation, char *_Nonnull message);
/// Size as stored, before any rotation.
void filip_tiff_size(const filip_tiff *_Nonnull tiff, uint32_t *_Nonnull width,
                     uint32_t *_Nonnull height);
/// The orientation tag; 1 when there is none.
int filip_tiff_orientation(const filip_tiff *_Nonnull tiff);
/// Whether the colours that `filip_tiff_decode` writes are multiplied with alpha.
bool filip_tiff_is_premultiplied(const filip_tiff *_Nonnull tiff);
/// Whether libtiff can turn the page into colours at all; a message when not.
bool filip_tiff_is_supported(filip_tiff *_Nonnull tiff, char *_Nonnull message);
/// Writes (height, width) pixels as bytes R, G, B, A in the order in which they are stored, without
/// rotation. False and a message when the data is damaged or ends early.
bool filip_tiff_decode(filip_tiff *_Nonnull tiff, uint32_t *_Nonnull pixels,
                       char *_Nonnull message);
/// The text of an ASCII tag of the first directory, or NULL. Valid until the next call.
const char *_Nullable filip_tiff_text(filip_tiff *_Nonnull tiff, uint32_t tag);
/// Makes `filip_tiff_text` read the EXIF directory from now on. False when there is none; then
/// nothing can be read any more.
bool filip_tiff_enter_exif(filip_tiff *_Nonnull tiff);
/// Where a picture was taken: degrees, minutes, seconds, and the letters N or S, E or W as found.
typedef struct {
  uint8_t latitude_reference, longitude_reference;
  double latitude[3], longitude[3];
  bool has_altitude, is_below_sea;
  double altitude;
} filip_gps;
/// Reads the GPS directory; nothing else can be read afterwards. False when there is none, or it
/// lacks one of the four.
bool filip_tiff_read_gps(filip_tiff *_Nonnull tiff, filip_gps *_Nonnull gps);
/// Frees the reader.
void filip_tiff_close(filip_tiff *_Nonnull tiff);
/// The library's version.
const char *_Nonnull filip_tiff_version(void);

// BMP (stb_image) ---------------------------------------------------------------------------------

/// Reads the header. False and a message when that fails.
bool filip_bmp_info(const uint8_t *_Nonnull bytes, size_t count, uint32_t *_Nonnull width,
                    uint32_t *_Nonnull height, char *_Nonnull message);
/// Returns (height, width, 4) bytes of RGBA, freed with `free`; NULL and a message when the data is
/// damaged or ends early.
uint8_t *_Nullable filip_bmp_decode(const uint8_t *_Nonnull bytes, size_t count,
                                    char *_Nonnull message);
/// The library's version.
const char *_Nonnull filip_bmp_version(void);

// HEIC and AVIF (libheif, loaded when first needed) -----------------------------------------------

#define FILIP_HEIF_REQUIRED(X)                                                                     \
  X(heif_get_version)                                                                              \
  X(heif_have_decoder_for_format)                                                                  \
  X(heif_context_alloc)                                                                            \
  X(heif_context_free)                                                                             \
  X(heif_context_read_from_memory_without_copy)                                                    \
  X(heif_context_get_primary_image_handle)                                                         \
  X(heif_context_set_maximum_image_size_limit)                                                     \
  X(heif_image_handle_release)                                                                     \
  X(heif_image_handle_get_width)                                                                   \
  X(heif_image_handle_get_height)                                                                  \
  X(heif_image_handle_has_alpha_channel)                                                           \
  X(heif_image_handle_is_premultiplied_alpha)                                                      \
  X(heif_image_handle_get_list_of_metadata_block_IDs)                                              \
  X(heif_image_handle_get_metadata_size)                                                           \
  X(heif_image_handle_get_metadata)                                                                \
  X(heif_decoding_options_alloc)                                                                   \
  X(heif_decoding_options_free)                                                                    \
  X(heif_decode_image)                                                                             \
  X(heif_image_release)                                                                            \
  X(heif_image_get_width)                                                                          \
  X(heif_image_get_height)                                                                         \
  X(heif_image_get_plane_readonly)

/// The functions of libheif that we call, under their own names.
typedef struct filip_heif {
#define X(name) __typeof__(&name) _Nonnull name;
  FILIP_HEIF_REQUIRED(X)
#undef X
  __typeof__(&heif_context_set_max_decoding_threads)
    _Nullable heif_context_set_max_decoding_threads;
} filip_heif;

/// Loads libheif once per process; NULL when it is missing or too old.
const filip_heif *_Nullable filip_heif_load(void);

/// Whether what this thread writes to the stream `stderr` is lost. Other threads, and what is written
/// to the file descriptor, are not concerned.
void filip_heif_set_silenced(bool value);

// Resampling --------------------------------------------------------------------------------------

/// Fractional bits of a weight: 32, less 8 for the result, less 2 for overshoot and sign.
#define FILIP_WEIGHT_BITS 22

/// Which source pixels each target pixel of one side mixes, and how.
typedef struct filip_mix {
  /// Number of target pixels.
  size_t size;
  /// Weights reserved for each target pixel.
  size_t capacity;
  /// First source pixel, (size).
  const int32_t *_Nonnull first;
  /// Number of source pixels, (size).
  const int32_t *_Nonnull count;
  /// (size, capacity).
  const int32_t *_Nonnull weights;
} filip_mix;

/// target[r][t] = sum over k of weights[t][k] * source[r][first[t] + k], rounded and clipped, for
/// each of three channels. source: (row_count, row_size) bytes; target: (row_count, size, 3).
void filip_mix_columns(const uint8_t *_Nonnull source, size_t row_size, size_t row_count,
                       const filip_mix *_Nonnull mix, uint8_t *_Nonnull target);
/// target[t][b] = sum over k of weights[t][k] * source[first[t] + k][b], rounded and clipped, for
/// the first `used_size` bytes of rows of `row_size`. target: (size, used_size).
void filip_mix_rows(const uint8_t *_Nonnull source, size_t row_size, size_t used_size,
                    const filip_mix *_Nonnull mix, uint8_t *_Nonnull target);

#endif
