// twice.h: compiles the kernels of an op file once for float and once for double.
//
// An op file defines KERNELS as its own name and includes this header; the part of it under `#ifdef REAL` is then read twice.
// There, REAL is the type and NAME(forward) becomes forward_float or forward_double. Deliberately without an include guard.
#define TWICE_JOIN_(name, real) name##_##real
#define TWICE_JOIN(name, real)  TWICE_JOIN_(name, real)
#define NAME(name)              TWICE_JOIN(name, REAL)

#define REAL          float
#define REAL_IS_FLOAT 1
#include KERNELS
#undef REAL_IS_FLOAT
#undef REAL
#define REAL          double
#define REAL_IS_FLOAT 0
#include KERNELS
#undef REAL_IS_FLOAT
#undef REAL
