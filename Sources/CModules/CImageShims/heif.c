// libheif brings a dozen codecs along. Linking it would make every start of the program load them
// all, so it is opened when the first such picture comes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include "CImageShims.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static filip_heif functions;
static bool loaded = false;

// libde265 and dav1d print to stderr when a picture is damaged, and offer no way to stop that.
// Both use the stream, which glibc lets us replace: by one that drops what a silenced thread
// writes and passes on the rest.
static _Thread_local bool silenced = false;

static ssize_t write_unless_silenced(void *cookie, const char *bytes, size_t count) {
  (void)cookie;
  return silenced ? (ssize_t)count : write(STDERR_FILENO, bytes, count);
}

static void replace_stderr(void) {
  FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_unless_silenced});
  if (!stream) return;
  setvbuf(stream, NULL, _IONBF, 0);
  stderr = stream;
}

void filip_heif_set_silenced(bool value) { silenced = value; }

static void load(void) {
  void *library = dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
#define X(name)                                                                                    \
  functions.name = (__typeof__(&name))dlsym(library, #name);                                       \
  if (!functions.name) return;
  FILIP_HEIF_REQUIRED(X)
#undef X
  // Since 1.13.
  functions.heif_context_set_max_decoding_threads =
    (__typeof__(&heif_context_set_max_decoding_threads))dlsym(
      library, "heif_context_set_max_decoding_threads");
  // Since 1.13; registers codecs that are plug-ins.
  __typeof__(&heif_init) initialize = (__typeof__(&heif_init))dlsym(library, "heif_init");
  if (initialize) initialize(NULL);
  replace_stderr();
  loaded = true;
}

const filip_heif *filip_heif_load(void) {
  pthread_once(&once, load);
  return loaded ? &functions : NULL;
}
