#ifndef C_STORE_FAULTS_H
#define C_STORE_FAULTS_H

#include <stdint.h>

// A disk that fails when it is told to.
//
// A program that contains these functions is where its own calls of write, pwrite, writev, fdatasync, fsync, ftruncate,
// msync, open, rename, unlink and mkdir end up, and those of every library it loads: the dynamic linker finds them before
// the C library's. Calls that concern the watched folder are counted; at one of them something happens.

/// What happens at the chosen call.
enum faults_action {
  /// Nothing.
  faults_none,
  /// It fails with ENOSPC.
  faults_no_space,
  /// It fails with EIO.
  faults_io_error,
  /// It writes a part and says so; a call that does not write fails with EIO.
  faults_short,
  /// The process is killed before it.
  faults_kill_before,
  /// It writes a part, and the process is killed; one that does not write is not begun.
  faults_kill_within,
  /// The process is killed after it.
  faults_kill_after,
  /// Some of what was written since the last flush is lost, in pieces of 512 bytes, and so are new
  /// names of files whose folder was not flushed; and the process is killed.
  faults_power_loss,
};

/// Begins to count the calls that concern files in `folder`, an absolute path without links.
///
/// `log` is where the call that something happens at is named, a line; -1 for nowhere.
void faults_watch(const char *folder, int log);

/// Lets `action` happen at the call of that number, the first being 1.
///
/// With `persists`, an error is given to every later call that writes, too, until `faults_disarm`. The seed chooses what
/// is lost or written in part. To be called before anything is written.
void faults_arm(enum faults_action action, uint64_t number, int persists, uint64_t seed);

/// Lets nothing happen any more.
void faults_disarm(void);

/// How many calls there were.
uint64_t faults_call_count(void);

#endif
