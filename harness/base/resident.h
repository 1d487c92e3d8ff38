// resident.h: how much memory this process holds, as the kernel counts it.
#ifndef BASE_RESIDENT_H
#define BASE_RESIDENT_H

#include <stddef.h>

size_t resident_bytes(void);       // now; 0 where the kernel does not say
size_t resident_peak_bytes(void);  // the most since the process started: VmHWM, which a parent's size does not touch
size_t resident_limit_bytes(void); // memory of the machine

#endif
