// libheif brings a dozen codecs along. Linking it would make every start of the program load them
// all, so it is opened when the first such picture comes.
#include <dlfcn.h>
#include <pthread.h>
#include "CImageShims.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static filip_heif functions;
static bool loaded = false;

static void load(void) {
  void *library = dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
#define X(name)                                                                                    \
  functions.name = (__typeof__(&name))dlsym(library, #name);                                       \
  if (!functions.name) return;
  FILIP_HEIF_REQUIRED(X)
#undef X
  // Since 1.13; registers codecs that are plug-ins.
  struct heif_error (*initialize)(void *) = (struct heif_error(*)(void *))dlsym(library, "heif_init");
  if (initialize) initialize(NULL);
  loaded = true;
}

const filip_heif *filip_heif_load(void) {
  pthread_once(&once, load);
  return loaded ? &functions : NULL;
}
