#include <lmdb.h>

// Not in Swift's module of the C library: what kind of file system LMDB would work on.
#include <sys/statfs.h>
