// twice.h: compiles the kernels of an op file once for float and once for double.
//
// An op file x.c says, in this order,
//   #include "tensor/twice.h"   REAL is float
//   #include "x.c"
//   #include "tensor/twice.h"   REAL is double
//   #include "x.c"
//   #include "tensor/twice.h"   REAL is nothing again
// and the part of it under `#ifdef REAL` is read twice. There, NAME(forward) becomes forward_float or forward_double. It
// includes itself, because a file finds itself wherever it lies. Deliberately without an include guard.
#ifndef REAL
#define TWICE_JOIN_(name, real) name##_##real
#define TWICE_JOIN(name, real)  TWICE_JOIN_(name, real)
#define NAME(name)              TWICE_JOIN(name, REAL)
#define REAL                    float
#define REAL_IS_FLOAT           1
#elif REAL_IS_FLOAT
#undef REAL
#undef REAL_IS_FLOAT
#define REAL          double
#define REAL_IS_FLOAT 0
#else
#undef REAL
#undef REAL_IS_FLOAT
#endif
