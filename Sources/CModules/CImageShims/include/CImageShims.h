// What Swift cannot say about image libraries: setjmp and variadic calls.
#ifndef CIMAGESHIMS_H
#define CIMAGESHIMS_H
#endif
