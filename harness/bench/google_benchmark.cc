// google_benchmark.cc: Google Benchmark behind the calls of google_benchmark.h: the only C++ here.
//
// The library reads its settings from the environment (BENCHMARK_*) while it is loaded; every one that would change what is
// measured or reported is therefore given again, as the text it takes settings as. It is not asked to fit a complexity: a
// family in which every run was refused crashes it.
extern "C" {
#include "bench/google_benchmark.h"
}

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

struct benchmark_state {
    benchmark::State *library;
};

namespace
{
// Hands on what was measured, and leaves out the library's own means and deviations.
class Collector : public benchmark::BenchmarkReporter
{
  public:
    Collector(benchmark_report *report, void *context) : report_(report), context_(context) {}

    bool ReportContext(const Context &) override { return true; }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (const Run &run : runs)
            if (run.run_type == Run::RT_Iteration)
                Hand(run);
    }

  private:
    void Hand(const Run &run) const
    {
        std::string name = run.run_name.function_name;
        if (!run.run_name.args.empty())
            name += "/" + run.run_name.args;
        const double iterations = run.iterations > 0 ? static_cast<double>(run.iterations) : 1;
        benchmark_result result = {};
        result.index = static_cast<int>(run.family_index);
        result.name = name.c_str();
        result.repetition = static_cast<int>(run.repetition_index > 0 ? run.repetition_index : 0);
        result.iterations = run.iterations;
        result.seconds = run.real_accumulated_time / iterations;
        result.cpu_seconds = run.cpu_accumulated_time / iterations;
        result.refusal = run.error_occurred ? run.error_message.c_str() : nullptr;
        report_(context_, &result);
    }

    benchmark_report *report_;
    void *context_;
};

void Initialize()
{
    std::vector<std::string> settings = {
        "ablate",
        "--benchmark_filter=.",
        "--benchmark_out=",
        "--benchmark_perf_counters=",
        "--benchmark_list_tests=false",
        "--benchmark_report_aggregates_only=false",
        "--benchmark_display_aggregates_only=false",
        "--benchmark_min_warmup_time=0",
        "--benchmark_enable_random_interleaving=true",
        "--v=0",
    };
    std::vector<char *> arguments;
    for (std::string &setting : settings)
        arguments.push_back(&setting[0]);
    int count = static_cast<int>(arguments.size());
    arguments.push_back(nullptr);
    benchmark::Initialize(&count, arguments.data());
}

void Register(const benchmark_entry &entry, const benchmark_options &options)
{
    benchmark_body *body = entry.body;
    void *context = entry.context;
    auto *added = benchmark::RegisterBenchmark(entry.name, [body, context](benchmark::State &library) {
        benchmark_state state = {&library};
        body(&state, context);
    });
    std::vector<std::string> names;
    std::vector<int64_t> values;
    for (int i = 0; i < entry.argument_count; i++) {
        names.emplace_back(entry.arguments[i].name);
        values.push_back(entry.arguments[i].value);
    }
    if (!values.empty())
        added->ArgNames(names)->Args(values);
    added->MinTime(options.seconds)->Repetitions(options.repetitions)->UseRealTime()->MeasureProcessCPUTime();
}

void Run(const benchmark_entry *list, int count, const benchmark_options *options, benchmark_report *report, void *context)
{
    Initialize();
    for (int i = 0; i < count; i++)
        Register(list[i], *options);
    Collector collector(report, context);
    benchmark::RunSpecifiedBenchmarks(&collector);
    benchmark::ClearRegisteredBenchmarks();
}

bool Running(benchmark_state *state) { return state->library->KeepRunning(); }

int64_t Argument(const benchmark_state *state, int place) { return state->library->range(static_cast<std::size_t>(place)); }

void Refuse(benchmark_state *state, const char *reason) { state->library->SkipWithError(reason); }
} // namespace

extern "C" {
extern const google_benchmark google_benchmark;
const struct google_benchmark google_benchmark = {Run, Running, Argument, Refuse};
}
