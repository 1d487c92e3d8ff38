// vector_math.h: elementary functions that gcc vectorises through libmvec, for float; libm's own for double.
//
// Include it instead of <math.h>, in a file whose kernels are compiled through twice.h: NAME(exp_of) and the like then pick the
// type. Errors of libmvec 1.4 to 4 ulp; NaN and infinities come out right.
#ifndef TENSOR_VECTOR_MATH_H
#define TENSOR_VECTOR_MATH_H

#define VECTORISED __attribute__((simd("notinbranch"), const))
VECTORISED float expf(float);
VECTORISED float logf(float);
VECTORISED float tanhf(float);
double exp(double);
double log(double);
double erf(double);
double tanh(double);
double sqrt(double);
#undef VECTORISED

static inline float exp_of_float(float x) { return expf(x); }
static inline double exp_of_double(double x) { return exp(x); }
static inline float log_of_float(float x) { return logf(x); }
static inline double log_of_double(double x) { return log(x); }
static inline float tanh_of_float(float x) { return tanhf(x); }
static inline double tanh_of_double(double x) { return tanh(x); }
static inline float sqrt_of_float(float x) { return __builtin_sqrtf(x); }
static inline double sqrt_of_double(double x) { return __builtin_sqrt(x); }

#endif
