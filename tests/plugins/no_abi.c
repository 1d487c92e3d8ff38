// no_abi.c: a shared object that has nothing to do with the program.
extern const int ffn_no_abi;
const int ffn_no_abi = 1;
