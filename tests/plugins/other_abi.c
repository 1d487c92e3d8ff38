// other_abi.c: a plug-in made for a program of another ABI number: refused before its descriptor is read.
extern const int ablate_component_abi;
const int ablate_component_abi = 999;
