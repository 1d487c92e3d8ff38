// attention_tile.h: what a tile of scores is made with: vectors of queries, register-blocked products, exp2, transposition.
//
// Scores are kept transposed, [keys][ATTENTION_QUERY_TILE]: a vector holds one key's scores for several queries, so that
// maxima, sums and probabilities need no horizontal reduction, and keys and values are read as scalars straight from their
// rows. Included by attention.c once for each REAL; deliberately without an include guard. All arrays are aligned to a vector;
// rows are padded.

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef REAL NAME(unaligned) __attribute__((vector_size(VECTOR_BYTES), may_alias, aligned(sizeof(REAL))));
#if REAL_IS_FLOAT
typedef int32_t NAME(lanes) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t NAME(bits) __attribute__((vector_size(VECTOR_BYTES)));
#define BF16_DROPPED 16
#else
typedef int64_t NAME(lanes) __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t NAME(bits) __attribute__((vector_size(VECTOR_BYTES)));
#define BF16_DROPPED 45
#endif
#define UNALIGNED NAME(unaligned)
#define VECTOR    NAME(vector)
#define LANES     (VECTOR_BYTES / (int)sizeof(REAL))
#define COLUMNS   (ATTENTION_QUERY_TILE / LANES) // vectors that hold one value for each query of a tile

static inline VECTOR NAME(load)(const REAL *from) { return *(const VECTOR *)from; }
static inline void NAME(store)(REAL *to, VECTOR value) { *(VECTOR *)to = value; }
static inline VECTOR NAME(splat)(REAL value) { return value - (VECTOR){0}; }
// Lane by lane yes or no; `where` is all ones or zeros.
static inline VECTOR NAME(select)(NAME(lanes) where, VECTOR yes, VECTOR no)
{
    return (VECTOR)((where & (NAME(lanes))yes) | (~where & (NAME(lanes))no));
}
static inline VECTOR NAME(keep)(NAME(lanes) where, VECTOR value) { return (VECTOR)(where & (NAME(lanes))value); }

// The greater of a and b; b where a is NaN.
static inline VECTOR NAME(max)(VECTOR a, VECTOR b) { return NAME(select)(a > b, a, b); }

// To the 8 bits that bfloat16 keeps of a number: the nearest, ties to even. NaN stays NaN.
static inline VECTOR NAME(round)(VECTOR x)
{
    NAME(bits) bits = (NAME(bits))x, one = (NAME(bits)){0} + 1;
    bits = (bits + ((one << (BF16_DROPPED - 1)) - 1) + (bits >> BF16_DROPPED & 1)) & -(one << BF16_DROPPED);
    return NAME(select)(x == x, (VECTOR)bits, x);
}

// C = A B, or C += A B: A's element (r, k) at a[r a_row + k a_step], B's rows b_step apart, C's rows c_row.
#define PRODUCT struct NAME(product)
PRODUCT
{
    const REAL *a;
    int64_t a_row, a_step;
    const REAL *b;
    int64_t b_step;
    REAL *c;
    int64_t c_row;
};

// `rows` rows and `columns` vectors of C, over `steps`. Each element is one chain of fused multiply-adds in the order of k,
// whatever the block's shape: bits do not depend on it.
ALWAYS_INLINE static inline void NAME(multiply)(PRODUCT p, const int rows, const int columns, int64_t steps, const bool add)
{
    VECTOR sum[MULTIPLY_ROWS][2];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < columns; v++)
            sum[r][v] = add ? NAME(load)(p.c + r * p.c_row + v * LANES) : (VECTOR){0};
    for (int64_t k = 0; k < steps; k++) {
        VECTOR row[2];
#pragma GCC unroll 2
        for (int v = 0; v < columns; v++)
            row[v] = NAME(load)(p.b + k * p.b_step + v * LANES);
#pragma GCC unroll 2
        for (int v = 0; v < columns; v++)
            KEEP_IN_REGISTER(row[v]); // or gcc reads it from memory again for every row, at half the speed
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < columns; v++)
                sum[r][v] += p.a[r * p.a_row + k * p.a_step] * row[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < columns; v++)
            NAME(store)(p.c + r * p.c_row + v * LANES, sum[r][v]);
}

// The same for one or two vectors, a number of columns that the compiler does not know.
ALWAYS_INLINE static inline void NAME(multiply_columns)(PRODUCT p, const int rows, int columns, int64_t steps, const bool add)
{
    if (columns == 2)
        NAME(multiply)(p, rows, 2, steps, add);
    else
        NAME(multiply)(p, rows, 1, steps, add);
}

// The same for a multiple of ATTENTION_KEY_BLOCK rows: MULTIPLY_ROWS at a time, and the rest in halves of such a block.
ALWAYS_INLINE static inline void NAME(multiply_rows)(PRODUCT p, int64_t rows, int columns, int64_t steps, const bool add)
{
    enum { HALF = ATTENTION_KEY_BLOCK / 2 };
    while (rows > 0) {
        int64_t rest = rows - MULTIPLY_ROWS, taken = rest == 0 || rest >= HALF ? MULTIPLY_ROWS : HALF;
        if (taken == MULTIPLY_ROWS)
            NAME(multiply_columns)(p, MULTIPLY_ROWS, columns, steps, add);
        else
            NAME(multiply_columns)(p, HALF, columns, steps, add);
        p.a += taken * p.a_row;
        p.c += taken * p.c_row;
        rows -= taken;
    }
}

// 2^x for x <= 0 or a little above; exact zeros below EXP2_CUT keep products free of denormals. NaN stays NaN.
#if REAL_IS_FLOAT
#define EXP2_CUT (-100.0f)
// 2^x = 2^n 2^f with n the nearest integer; the polynomial is minimax on [-1/2, 1/2], relative error 2.6e-9.
static inline VECTOR NAME(exp2)(VECTOR x)
{
    VECTOR shifted = x + 0x1.8p23f; // the low bits now hold n
    VECTOR f = x - (shifted - 0x1.8p23f);
    VECTOR p = 0x1.470b4a791b35fp-13f * f + 0x1.5f7276d80d3b3p-10f;
    p = p * f + 0x1.3b270e6413cf3p-7f;
    p = p * f + 0x1.c6ae72dfc25e4p-5f;
    p = p * f + 0x1.ebfbe2c540dd7p-3f;
    p = p * f + 0x1.62e4311733cb9p-1f;
    p = p * f + 1.0f;
    NAME(bits) power = ((NAME(bits))shifted << 23) + 0x3f800000; // the exponent of 2^n
    return NAME(keep)(~(x < EXP2_CUT), p * (VECTOR)power);
}
#else
#define EXP2_CUT (-700.0)
static inline VECTOR NAME(exp2)(VECTOR x)
{
    REAL lanes[LANES] __attribute__((aligned(VECTOR_BYTES)));
    NAME(store)(lanes, x * LN_2);
    for (int i = 0; i < LANES; i++)
        lanes[i] = exp(lanes[i]);
    return NAME(keep)(~(x < EXP2_CUT), NAME(load)(lanes));
}
#endif

static inline VECTOR NAME(tanh)(VECTOR x)
{
    REAL lanes[LANES] __attribute__((aligned(VECTOR_BYTES)));
    NAME(store)(lanes, x);
    for (int i = 0; i < LANES; i++)
        lanes[i] = NAME(tanh_of)(lanes[i]);
    return NAME(load)(lanes);
}

// A key's word of the mask as lanes of all ones and zeros, for the queries of vector `column`.
static inline NAME(lanes) NAME(visible)(uint32_t word, int column)
{
    NAME(lanes) bit;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        bit[i] = 1 << i;
    bit <<= column * LANES; // the same for every key
    return (((NAME(lanes)){0} + (int32_t)word) & bit) == bit;
}

// to [columns, rows] = from [rows, columns] transposed; both are multiples of LANES. Eklundh's exchange of ever larger
// quarters.
static void NAME(transpose)(const REAL *from, int64_t rows, int64_t columns, REAL *to)
{
    NAME(lanes) lane;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        lane[i] = i;
    for (int64_t row = 0; row < rows; row += LANES)
        for (int64_t column = 0; column < columns; column += LANES) {
            VECTOR x[LANES];
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                x[i] = NAME(load)(from + (row + i) * columns + column);
#pragma GCC unroll 4
            for (int step = 1; step < LANES; step *= 2)
#pragma GCC unroll 16
                for (int i = 0; i < LANES; i++)
                    if (!(i & step)) {
                        NAME(lanes) high = (lane & step) != 0;
                        VECTOR a = x[i], b = x[i + step];
                        x[i] = __builtin_shuffle(a, b, lane + (high & (LANES - step)));
                        x[i + step] = __builtin_shuffle(a, b, lane + step + (high & (LANES - step)));
                    }
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                NAME(store)(to + (column + i) * rows + row, x[i]);
        }
}
