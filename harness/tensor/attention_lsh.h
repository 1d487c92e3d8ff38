// attention_lsh.h: who sees whom where hashes decide, and the schedule of tiles that follows from them, made anew for every
// head.
//
// Every round gives each position a bucket. The rank of a position is how many earlier ones share its bucket, its chunk number
// is rank / chunk. Query i sees key j <= i of its bucket in its own and the previous chunk number, in any round; itself only if
// it sees nothing else in all rounds. A later position moves no earlier one's rank, so visibility depends on the past alone.
//
// A pass of the kernel is a round: positions sorted by (bucket, position), cut into tiles. What a query sees in a round then is
// a range of places, less what an earlier round has shown: a comparison of small integers for each pair. Sorting is a counting
// sort; its memory is planned, and linear in the length.
#ifndef TENSOR_ATTENTION_LSH_H
#define TENSOR_ATTENTION_LSH_H

#include "tensor/attention.h"

// How positions are hashed: a bucket is the argument of the maximum of [x R; -x R], or of two such hashes as factors.
struct lsh {
    int64_t chunk, rounds;
    int64_t factors[2]; // even numbers of values, whose product is the number of buckets; one hash: the second is 1
};
// At least 2 ceil(time / chunk) buckets: exactly so many up to LSH_FACTORED, and two factors near their root above.
enum { LSH_FACTORED = 128, LSH_ROUNDS_MAX = 64 };
struct lsh lsh_of(int64_t time, int64_t chunk, int64_t rounds);
static inline int64_t lsh_buckets(const struct lsh *lsh) { return lsh->factors[0] * lsh->factors[1]; }
// Columns of a rotation R [head_dim, columns]: half as many as its hashes have values.
static inline int64_t lsh_columns(const struct lsh *lsh) { return lsh->factors[0] / 2 + lsh->factors[1] / 2; }

// The attributes of op_lsh_hash. A rotation's elements are drawn from N(0, 1) for each (seed, name, head, round, step), step 0
// where nothing is trained; a tensor of rotations [n_head, rounds, head_dim, columns] takes their place where it holds any but
// zeros.
struct lsh_hash {
    struct lsh lsh;
    int64_t n_head, head_dim;
    uint64_t seed;
    const char *name;
};

// Buckets [rows, n_head rounds] of rows x [rows, n_head head_dim], as the op finds them where nothing is trained: for pictures.
void lsh_hash_rows(const struct lsh_hash *hash, const double *x, int64_t rows, int32_t *buckets);

// What can be said of a schedule before there are hashes: its sizes, and the pairs to expect. With hashes that spread positions
// evenly a pair shares a bucket in some round with probability 1 - (1 - 1 / buckets)^rounds; real data gathers in fewer buckets
// and sees more, at most 2 chunk keys a query and round.
void lsh_schedule_plan(struct attention_schedule *schedule, const struct lsh *lsh, const struct attention_layout *layout,
                       struct arena *arena);

// The schedule of one head in one sequence, one pass at a time; `schedule` is what the kernel reads. Nothing is allocated.
struct lsh_sorted {
    const struct lsh *lsh;
    struct attention_schedule schedule; // its pairs are summed over all passes made so far
    int32_t *order;                     // [rounds][time]: place -> position
    uint32_t *chunks;              // [rounds][time], by position: neighbours' numbers differ by 1 in a bucket, else by more
    uint8_t *alone;                // [time], by position: it has no earlier one in its bucket, in no round
    int32_t *counts;               // [buckets]
    int32_t *first, *end, *bucket; // [places], of a pass: the keys a query sees are [first, end), in its bucket's places
};
bool lsh_fits(const struct lsh *lsh, int64_t time); // a mask's place in a 32-bit number
size_t lsh_workspace(const struct lsh *lsh, int64_t time);
void lsh_sorted_open(struct lsh_sorted *sorted, const struct lsh *lsh, const struct attention_schedule *planned,
                     void *workspace);
// Position t's bucket in round r stands at buckets[t * stride + r].
void lsh_sort_head(struct lsh_sorted *sorted, int64_t head, const int32_t *buckets, int64_t stride);
// Makes the tiles and masks of one round; those of another are gone.
void lsh_sort_pass(struct lsh_sorted *sorted, int round);

// Adds to shown [time, time], by position, how often the tiles of the round at hand show a pair.
void lsh_count_shown(const struct lsh_sorted *sorted, int round, unsigned char *shown);

// visible [time, time], pair by pair as the definition has it: what the reference shows. It shares no line with the sort.
// `chunk` [time] is scratch.
void lsh_show_by_definition(const struct lsh *lsh, const int32_t *buckets, int64_t stride, int64_t time, int64_t *chunk,
                            bool *visible);

#endif
