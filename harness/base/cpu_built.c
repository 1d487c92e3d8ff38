// cpu_built.c: what the compiler was allowed to use, as data: reading it executes nothing of it. Compiled like everything else.
#include "base/cpu.h"

const uint32_t cpu_built_for = 0
#ifdef __SSE4_2__
                               | CPU_SSE4_2
#endif
#ifdef __AVX__
                               | CPU_AVX
#endif
#ifdef __AVX2__
                               | CPU_AVX2
#endif
#ifdef __FMA__
                               | CPU_FMA
#endif
#ifdef __BMI__
                               | CPU_BMI
#endif
#ifdef __BMI2__
                               | CPU_BMI2
#endif
#ifdef __AVX512F__
                               | CPU_AVX512F
#endif
#ifdef __AVX512BW__
                               | CPU_AVX512BW
#endif
#ifdef __AVX512DQ__
                               | CPU_AVX512DQ
#endif
#ifdef __AVX512VL__
                               | CPU_AVX512VL
#endif
#ifdef __AVX512VNNI__
                               | CPU_AVX512VNNI
#endif
#ifdef __AVX512BF16__
                               | CPU_AVX512BF16
#endif
#ifdef __AVX512VBMI__
                               | CPU_AVX512VBMI
#endif
#ifdef __AVX512IFMA__
                               | CPU_AVX512IFMA
#endif
    ;
