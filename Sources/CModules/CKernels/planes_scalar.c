// The definition of the scans: one token, one word, one dimension after the other.
#include "kernels_internal.h"

#pragma clang fp contract(off)

static int32_t code(const struct ck_plane *plane, ptrdiff_t token, ptrdiff_t dimension) {
  ptrdiff_t group = dimension / 8, part = dimension / 4 % 2;
  ptrdiff_t byte = ((token / 16) * plane->groups + group) * 64 + token % 16 * 4 + dimension % 4;
  int32_t high = plane->high[byte] >> (4 * part) & 15;
  return plane->low ? high * 16 + (plane->low[byte] >> (4 * part) & 15) : high;
}

static float product(
    const struct ck_plane *plane, const struct ck_plane_query *query, ptrdiff_t token,
    ptrdiff_t word) {
  // Unsigned, so that a sum that does not fit wraps around.
  uint32_t sum = (uint32_t)query->initial[word];
  for (ptrdiff_t d = 0; d < 8 * plane->groups; d++) {
    int32_t other = query->codes[(d / 4 * query->words + word) * 4 + d % 4];
    sum += (uint32_t)(code(plane, token, d) * other);
  }
  uint32_t bits = (uint32_t)plane->scales[token] << 16;
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  float value = (float)(int32_t)sum;
  if (plane->reach) value += (float)plane->reach[token] * query->reach[word];
  return scale * value;
}

static void plane_max(
    const struct ck_plane *plane, const struct ck_plane_query *query, const uint32_t *bounds,
    ptrdiff_t images, float *maxima) {
  for (ptrdiff_t i = 0; i < images; i++) {
    for (ptrdiff_t w = 0; w < query->words; w++) {
      float largest = -INFINITY;
      for (uint32_t t = bounds[i]; t < bounds[i + 1]; t++) {
        float value = product(plane, query, t, w);
        largest = value > largest ? value : largest;
      }
      // Adding +0 turns -0 into +0, so that it does not matter which of the two came first.
      maxima[i * query->words + w] = largest + 0.0f;
    }
  }
}

static void plane_sum_of_max(
    const struct ck_plane *plane, const struct ck_plane_query *query, const float *weights,
    const uint32_t *bounds, ptrdiff_t images, float *sums) {
  for (ptrdiff_t i = 0; i < images; i++) {
    float lanes[16] = {0.0f};
    for (uint32_t t = bounds[i]; t < bounds[i + 1]; t++) {
      float largest = -INFINITY;
      for (ptrdiff_t w = 0; w < query->words; w++) {
        float value = weights[w] * product(plane, query, t, w);
        largest = value > largest ? value : largest;
      }
      lanes[t % 16] += largest;
    }
    sums[i] = 0.0f;
    for (int lane = 0; lane < 16; lane++) sums[i] += lanes[lane];
  }
}

const struct ck_plane_kernels ck_plane_kernels_scalar = {plane_max, plane_sum_of_max};
