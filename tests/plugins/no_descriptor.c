// no_descriptor.c: includes the contract and defines no component.
#include "registry/component.h"
