#define _GNU_SOURCE
#include "CStoreFaults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/// The function of that name that this file stands in front of.
#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) abort();
  return function;
}

static char watched_folder[PATH_MAX];
static size_t watched_length;
static int log_descriptor = -1;
static _Atomic uint64_t call_count;
static enum faults_action action;
static uint64_t action_number;
static int action_persists;
static uint64_t random_state;

void faults_watch(const char *folder, int log) {
  watched_length = strlen(folder);
  if (watched_length >= sizeof watched_folder) abort();
  memcpy(watched_folder, folder, watched_length + 1);
  log_descriptor = log;
}

void faults_arm(enum faults_action chosen, uint64_t number, int persists, uint64_t seed) {
  action = chosen;
  action_number = number;
  action_persists = persists;
  random_state = seed;
}

void faults_disarm(void) { action = faults_none; }

uint64_t faults_call_count(void) { return call_count; }

/// SplitMix64.
static uint64_t next_random(void) {
  uint64_t z = random_state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

static int concerns_path(const char *path) {
  return watched_length && !strncmp(path, watched_folder, watched_length)
         && (path[watched_length] == '/' || path[watched_length] == 0);
}

static int concerns(int descriptor) {
  if (!watched_length) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  int saved = errno;
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (length < 0) return 0;
  path[length] = 0;
  return concerns_path(path);
}

// What was written and not flushed.

/// Bytes of a file as they were before a write.
struct unflushed {
  struct unflushed *older;
  int descriptor;
  dev_t device;
  ino_t inode;
  off_t offset;
  size_t old_count, new_count;
  char old[];
};

static struct unflushed *newest;
static pthread_mutex_t unflushed_lock = PTHREAD_MUTEX_INITIALIZER;

/// Remembers what is about to be overwritten, if power may be lost.
static void remember(int descriptor, off_t offset, size_t count) {
  struct stat file;
  if (action != faults_power_loss || fstat(descriptor, &file) || !S_ISREG(file.st_mode)) return;
  // What such a descriptor writes is on the disk when the call returns.
  if (fcntl(descriptor, F_GETFL) & O_DSYNC) return;
  struct unflushed *entry = malloc(sizeof *entry + count);
  if (!entry) abort();
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  entry->descriptor = REAL(open)(link, O_RDWR | O_CLOEXEC);
  entry->device = file.st_dev;
  entry->inode = file.st_ino;
  entry->offset = offset;
  entry->new_count = count;
  ssize_t old = pread(entry->descriptor, entry->old, count, offset);
  if (old < 0) abort();
  entry->old_count = (size_t)old;
  pthread_mutex_lock(&unflushed_lock);
  entry->older = newest;
  newest = entry;
  pthread_mutex_unlock(&unflushed_lock);
}

/// A file's or a folder's old name.
struct unflushed_rename {
  struct unflushed_rename *older;
  /// The folder of the new name.
  dev_t device;
  ino_t inode;
  char from[PATH_MAX], to[PATH_MAX];
  /// Where the file that had the new name is kept, beside the watched folder; empty for none.
  char kept[PATH_MAX];
};

static struct unflushed_rename *newest_rename;

/// Keeps the file that is about to lose its name to another, if power may be lost.
static struct unflushed_rename *keep_replaced(const char *from, const char *to) {
  static unsigned kept_count;
  if (action != faults_power_loss) return NULL;
  struct unflushed_rename *entry = calloc(1, sizeof *entry);
  if (!entry || strlen(from) >= PATH_MAX || strlen(to) >= PATH_MAX) abort();
  strcpy(entry->from, from);
  strcpy(entry->to, to);
  snprintf(entry->kept, sizeof entry->kept, "%.4000s.kept-%u", watched_folder, ++kept_count);
  if (link(to, entry->kept)) entry->kept[0] = 0;
  return entry;
}

/// Remembers a name that was changed.
static void remember_rename(struct unflushed_rename *entry) {
  if (!entry) return;
  char parent[PATH_MAX];
  strcpy(parent, entry->to);
  *strrchr(parent, '/') = 0;
  struct stat folder;
  if (stat(parent, &folder)) abort();
  entry->device = folder.st_dev;
  entry->inode = folder.st_ino;
  pthread_mutex_lock(&unflushed_lock);
  entry->older = newest_rename;
  newest_rename = entry;
  pthread_mutex_unlock(&unflushed_lock);
}

/// Forgets what a flush has brought to the disk.
static void forget(int descriptor) {
  struct stat file;
  if (action != faults_power_loss || fstat(descriptor, &file)) return;
  pthread_mutex_lock(&unflushed_lock);
  for (struct unflushed_rename **link = &newest_rename; *link;) {
    struct unflushed_rename *entry = *link;
    if (entry->device == file.st_dev && entry->inode == file.st_ino) {
      *link = entry->older;
      if (entry->kept[0]) REAL(unlink)(entry->kept);
      free(entry);
    } else {
      link = &entry->older;
    }
  }
  for (struct unflushed **link = &newest; *link;) {
    struct unflushed *entry = *link;
    if (entry->device == file.st_dev && entry->inode == file.st_ino) {
      *link = entry->older;
      close(entry->descriptor);
      free(entry);
    } else {
      link = &entry->older;
    }
  }
  pthread_mutex_unlock(&unflushed_lock);
}

/// Takes back half of the names and pieces that no flush has brought to the disk, the newest first.
static void lose(void) {
  for (struct unflushed_rename *entry = newest_rename; entry; entry = entry->older) {
    if (next_random() & 1 || REAL(rename)(entry->to, entry->from)) continue;
    if (entry->kept[0]) REAL(rename)(entry->kept, entry->to);
  }
  static const char zeros[512];
  for (struct unflushed *entry = newest; entry; entry = entry->older) {
    off_t end = entry->offset + (off_t)entry->new_count;
    for (off_t start = entry->offset; start < end;) {
      off_t next = (start / 512 + 1) * 512;
      if (next > end) next = end;
      size_t count = (size_t)(next - start), done = (size_t)(start - entry->offset);
      if (next_random() & 1) {
        size_t old = done < entry->old_count ? entry->old_count - done : 0;
        if (old > count) old = count;
        REAL(pwrite)(entry->descriptor, entry->old + done, old, start);
        // Where the file ended earlier, zeros are found.
        REAL(pwrite)(entry->descriptor, zeros, count - old, start + (off_t)old);
      }
      start = next;
    }
  }
}

// What happens.

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/// Counts a call and says what is to happen at it; what kills at once does not return.
static enum faults_action strike(const char *name, int writes) {
  uint64_t number = ++call_count;
  if (action == faults_none) return faults_none;
  if (number != action_number) {
    int still = action_persists && writes && number > action_number;
    return still ? action : faults_none;
  }
  if (log_descriptor >= 0) {
    char line[128];
    int length = snprintf(line, sizeof line, "struck %s %llu\n", name, (unsigned long long)number);
    REAL(write)(log_descriptor, line, (size_t)length);
  }
  if (action == faults_power_loss) {
    lose();
    die();
  }
  if (action == faults_kill_before || (action == faults_kill_within && !writes)) die();
  return action;
}

/// The error of a call that does something else than writing; 0 when it is to be made.
static int error_of(enum faults_action happens) {
  switch (happens) {
    case faults_no_space: return ENOSPC;
    case faults_io_error:
    case faults_short: return EIO;
    default: return 0;
  }
}

/// Makes a call that writes nothing.
#define PLAIN(name, is_concerned, writes, call)                  \
  do {                                                           \
    if (!(is_concerned)) return call;                            \
    enum faults_action happens = strike(name, writes);           \
    if (happens == faults_kill_within) die();                    \
    if (error_of(happens)) {                                     \
      errno = error_of(happens);                                 \
      return -1;                                                 \
    }                                                            \
    __auto_type result = call;                                   \
    if (happens == faults_kill_after) die();                     \
    return result;                                               \
  } while (0)

/// Makes a call that writes; `offset` is -1 for the descriptor's own.
static ssize_t write_parts(
  const char *name, int descriptor, const struct iovec *parts, int part_count, off_t offset
) {
  enum faults_action happens = strike(name, 1);
  if (happens == faults_no_space || happens == faults_io_error) {
    errno = error_of(happens);
    return -1;
  }
  size_t count = 0;
  for (int part = 0; part < part_count; part++) count += parts[part].iov_len;
  off_t place = offset >= 0 ? offset : lseek(descriptor, 0, SEEK_CUR);
  remember(descriptor, place, count);
  size_t limit = count;
  if (happens == faults_short || happens == faults_kill_within) {
    limit = count ? next_random() % count : 0;
  }
  // One call for all parts, so that nothing else is written in between.
  char *bytes = malloc(count + 1);
  if (!bytes) abort();
  size_t filled = 0;
  for (int part = 0; part < part_count; part++) {
    memcpy(bytes + filled, parts[part].iov_base, parts[part].iov_len);
    filled += parts[part].iov_len;
  }
  ssize_t written = offset >= 0 ? REAL(pwrite)(descriptor, bytes, limit, offset)
                                : REAL(write)(descriptor, bytes, limit);
  int saved = errno;
  free(bytes);
  if (happens == faults_kill_within || happens == faults_kill_after) die();
  errno = saved;
  return written;
}

// The calls.

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (!concerns(descriptor)) return REAL(write)(descriptor, bytes, count);
  struct iovec part = {(void *)bytes, count};
  return write_parts("write", descriptor, &part, 1, -1);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  if (!concerns(descriptor)) return REAL(pwrite)(descriptor, bytes, count, offset);
  struct iovec part = {(void *)bytes, count};
  return write_parts("pwrite", descriptor, &part, 1, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int part_count) {
  if (!concerns(descriptor)) return REAL(writev)(descriptor, parts, part_count);
  return write_parts("writev", descriptor, parts, part_count, -1);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int part_count, off_t offset) {
  if (!concerns(descriptor)) return REAL(pwritev)(descriptor, parts, part_count, offset);
  return write_parts("pwritev", descriptor, parts, part_count, offset);
}

static int flush(const char *name, int (*call)(int), int descriptor) {
  if (!concerns(descriptor)) return call(descriptor);
  enum faults_action happens = strike(name, 0);
  if (error_of(happens)) {
    errno = error_of(happens);
    return -1;
  }
  int result = call(descriptor);
  if (!result) forget(descriptor);
  if (happens == faults_kill_after) die();
  return result;
}

int fdatasync(int descriptor) { return flush("fdatasync", REAL(fdatasync), descriptor); }

int fsync(int descriptor) { return flush("fsync", REAL(fsync), descriptor); }

int ftruncate(int descriptor, off_t length) {
  PLAIN("ftruncate", concerns(descriptor), 1, REAL(ftruncate)(descriptor, length));
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

/// Which file a map belongs to is not looked up: the store writes through none but its locks'.
int msync(void *start, size_t length, int flags) {
  PLAIN("msync", watched_length > 0, 0, REAL(msync)(start, length, flags));
}

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  PLAIN("open", concerns_path(path), 0, REAL(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open(path, flags, mode);
}

static int rename_remembered(const char *from, const char *to) {
  struct unflushed_rename *entry = keep_replaced(from, to);
  int result = REAL(rename)(from, to);
  if (!result) remember_rename(entry);
  return result;
}

int rename(const char *from, const char *to) {
  PLAIN("rename", concerns_path(from), 0, rename_remembered(from, to));
}

int unlink(const char *path) { PLAIN("unlink", concerns_path(path), 0, REAL(unlink)(path)); }

int rmdir(const char *path) { PLAIN("rmdir", concerns_path(path), 0, REAL(rmdir)(path)); }

int mkdir(const char *path, mode_t mode) {
  PLAIN("mkdir", concerns_path(path), 0, REAL(mkdir)(path, mode));
}
