// Speed of ck_plane_max against what the machine can read and multiply. See README.md.
#define _GNU_SOURCE
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CKernels.h"

enum { images = 5000, tokens_per_image = 196, tokens = images * tokens_per_image, threads_most = 2 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

struct job {
  void (*body)(void *, int, int);
  void *context;
  int thread, threads;
  pthread_barrier_t *barrier;
  double start, end;
};

static void *run_job(void *pointer) {
  struct job *job = pointer;
  pthread_barrier_wait(job->barrier);
  job->start = now();
  job->body(job->context, job->thread, job->threads);
  job->end = now();
  return NULL;
}

// Runs `body(context, thread, threads)` on that many threads at once; seconds until all are done.
static double timed(void (*body)(void *, int, int), void *context, int threads) {
  pthread_t handles[threads_most];
  struct job jobs[threads_most];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  for (int i = 0; i < threads; i++) {
    jobs[i] = (struct job){body, context, i, threads, &barrier, 0, 0};
    pthread_create(&handles[i], NULL, run_job, &jobs[i]);
  }
  double start = INFINITY, end = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(handles[i], NULL);
    start = fmin(start, jobs[i].start);
    end = fmax(end, jobs[i].end);
  }
  pthread_barrier_destroy(&barrier);
  return end - start;
}

static double best(void (*body)(void *, int, int), void *context, int threads, int repetitions) {
  double shortest = 1e9;
  for (int i = 0; i < repetitions; i++) {
    double seconds = timed(body, context, threads);
    shortest = seconds < shortest ? seconds : shortest;
  }
  return shortest;
}

// MARK: - Ceilings

struct memory {
  const uint8_t *bytes;
  size_t count;
};

static volatile long long sink;

__attribute__((target("avx2"))) static void read_all(void *context, int thread, int threads) {
  struct memory *memory = context;
  size_t share = memory->count / (size_t)threads / 4096 * 4096;
  const uint8_t *bytes = memory->bytes + (size_t)thread * share;
  __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                     _mm256_setzero_si256()};
  for (size_t i = 0; i + 128 <= share; i += 128)
    for (int j = 0; j < 4; j++)
      sums[j] = _mm256_add_epi64(
          sums[j], _mm256_loadu_si256((const __m256i *)(bytes + i + 32 * (size_t)j)));
  for (int j = 1; j < 4; j++) sums[0] = _mm256_add_epi64(sums[0], sums[j]);
  sink += _mm256_extract_epi64(sums[0], 0);
}

enum { multiply_rounds = 20000000 };

static void multiply(void *context, int thread, int threads) {
  (void)threads;
  int32_t result;
  ((double *)context)[thread] = ck_multiply_in_registers(multiply_rounds, &result);
  sink += result;
}

static double multiply_peak(int threads) {
  double products[threads_most];
  double seconds = best(multiply, products, threads, 5);
  return products[0] * threads / seconds;
}

// MARK: - The kernel

struct scan {
  struct ck_plane plane;
  struct ck_plane_query query;
  const uint32_t *bounds;
  ptrdiff_t images_per_segment;
  float *maxima;
};

static void scan(void *context, int thread, int threads) {
  struct scan *scan = context;
  ptrdiff_t end = (ptrdiff_t)images * (thread + 1) / threads;
  for (ptrdiff_t i = (ptrdiff_t)images * thread / threads; i < end; i += scan->images_per_segment) {
    ptrdiff_t count = end - i < scan->images_per_segment ? end - i : scan->images_per_segment;
    ck_plane_max(
        &scan->plane, &scan->query, scan->bounds + i, count, scan->maxima + i * scan->query.words);
  }
}

int main(int argc, char **argv) {
  static const struct {
    int words, dimension, bits;
  } cases[] = {{8, 256, 8}, {8, 256, 4}, {32, 128, 4}, {32, 128, 8}, {4, 128, 4}, {8, 128, 4},
               {8, 128, 8}, {1, 128, 4}, {100, 128, 4}};
  int repetitions = argc > 1 ? atoi(argv[1]) : 9;
  if (argc > 2 && !ck_force_isa((enum ck_isa)atoi(argv[2]))) {
    fprintf(stderr, "instruction set %s is not available here\n", argv[2]);
    return 1;
  }
  // Two planes of the largest shape; smaller ones use their beginnings.
  size_t plane_bytes = (size_t)(tokens + 16) * 128;
  uint8_t *memory;
  if (posix_memalign((void **)&memory, 4096, 2 * plane_bytes)) return 1;
  uint16_t *scales = malloc(sizeof *scales * (tokens + 16));
  uint32_t *bounds = malloc(sizeof *bounds * (images + 1));
  float *maxima = malloc(sizeof *maxima * images * 128);
  int8_t *codes = malloc(128 * 256);
  int32_t *initial = calloc(128, sizeof *initial);
  uint8_t *reach = calloc(tokens + 16, 1);
  float *units = calloc(128, sizeof *units);
  uint32_t random = 1;
  for (size_t i = 0; i < 2 * plane_bytes; i++)
    random = random * 1664525 + 1013904223, memory[i] = (uint8_t)(random >> 24);
  for (int i = 0; i < 128 * 256; i++)
    random = random * 1664525 + 1013904223, codes[i] = (int8_t)(random >> 24);
  for (int t = 0; t < tokens + 16; t++) scales[t] = (uint16_t)(0x3c00 + t % 512);
  for (int i = 0; i <= images; i++) bounds[i] = (uint32_t)(i * tokens_per_image);
  memset(maxima, 0, sizeof *maxima * images * 128);

  printf("instruction set %d, %d images of %d tokens, best of %d\n", ck_current_isa(), images,
         tokens_per_image, repetitions);
  double bandwidth[threads_most + 1], peak[threads_most + 1];
  for (int threads = 1; threads <= threads_most; threads++) {
    struct memory all = {memory, 2 * plane_bytes};
    bandwidth[threads] = (double)all.count / best(read_all, &all, threads, repetitions);
    peak[threads] = multiply_peak(threads);
    printf("%d thread%s: reads %.1f GB/s, multiplies %.0f G MAC/s\n", threads,
           threads > 1 ? "s" : "", bandwidth[threads] * 1e-9, peak[threads] * 1e-9);
  }
  printf("\n| words | dimension | bits | threads | ns per token | GB/s | G MAC/s | of the ceiling | ceiling |\n"
         "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    int words = cases[c].words, dimension = cases[c].dimension, bits = cases[c].bits;
    double bytes = (double)dimension * bits / 8 + (bits == 4 ? 3 : 2), products = (double)dimension * words;
    struct scan context = {
        {memory, bits == 8 ? memory + plane_bytes : NULL, scales, bits == 4 ? reach : NULL,
         dimension / 8},
        {codes, initial, units, words},
        bounds,
        (ptrdiff_t)((1 << 20) / (bytes * tokens_per_image)),
        maxima};
    for (int threads = 1; threads <= threads_most; threads++) {
      double seconds = best(scan, &context, threads, repetitions);
      double reading = bytes * tokens / bandwidth[threads];
      double multiplying = products * tokens / peak[threads];
      int reads = reading > multiplying;
      printf("| %d | %d | %d | %d | %.2f | %.1f | %.0f | %.0f %% | %s |\n", words, dimension, bits,
             threads, seconds / tokens * 1e9, bytes * tokens / seconds * 1e-9,
             products * tokens / seconds * 1e-9, 100 * (reads ? reading : multiplying) / seconds,
             reads ? "reading" : "multiplying");
    }
  }
  return 0;
}
