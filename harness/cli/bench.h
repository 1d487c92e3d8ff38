// bench.h: what the kinds of `ablate bench` share: the verb's options, and one file cli/bench_<kind>.c each.
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/verb.h"

struct bench_options {
    int64_t threads, repetitions, head_dim;
    double seconds; // 0: as the kind likes
    const char *attention, *seq, *plot;
    bool list, bare;
};
// What a kind takes where no --seconds is given.
static inline double bench_seconds(const struct bench_options *options, double usual)
{
    return options->seconds > 0 ? options->seconds : usual;
}
int bench_threads(const struct bench_options *options);

// Repetitions that differ by more than this share of their median are those of a machine that is busy with something else.
#define BENCH_NOISY 0.15
// Says so, on stderr.
void bench_warn(double spread);

bool bench_suite(const struct request *request, struct error *error);
bool bench_train(const struct request *request, struct error *error);
bool bench_models_table(const struct request *request, struct error *error);
bool bench_attention(const struct request *request, struct error *error);
bool bench_compare(const struct request *request, struct error *error);
bool bench_overhead(const struct request *request, struct error *error);
bool bench_roofline(const struct request *request, struct error *error);

#endif
