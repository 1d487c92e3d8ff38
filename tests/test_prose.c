// test_prose.c: the floor of data=prose is what its source says, and the text has the structure that it promises.
#include <criterion/criterion.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "variants/data/prose/source.h"

struct sample {
    int64_t count;
    uint16_t *tokens;
    float *surprise;
    char *text;
};

static struct sample sample_open(uint64_t seed, int64_t count)
{
    struct sample sample = {count, memory_allocate((size_t)count, sizeof(uint16_t)),
                            memory_allocate((size_t)count, sizeof(float)), memory_allocate((size_t)count + 1, 1)};
    struct prose *prose = prose_open();
    prose_write(prose, seed, count, sample.tokens, sample.surprise);
    prose_close(prose);
    for (int64_t i = 0; i < count; i++)
        sample.text[i] = (char)sample.tokens[i];
    return sample;
}

static void sample_close(struct sample *sample)
{
    free(sample->tokens);
    free(sample->surprise);
    free(sample->text);
}

static double mean(const float *values, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

// The floor is only a floor if each byte's probability is that of the source given all bytes before it. The reader adds up the
// candidates of the grammar's state, which it has from the text alone: it must follow every text (one derivation), its
// distribution must sum to 1, and the byte's share of it must be the surprise that was stored.
Test(prose, surprise_is_the_sources_own_and_the_text_has_one_derivation)
{
    enum { COUNT = 30000 };
    struct prose *prose = prose_open();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sample sample = sample_open(seed, COUNT);
        struct prose_reader reader;
        double probability[PROSE_BYTES];
        prose_reader_open(&reader, prose);
        for (int i = 0; i < COUNT; i++) {
            prose_reader_distribution(&reader, probability);
            double sum = 0;
            for (int byte = 0; byte < PROSE_BYTES; byte++)
                sum += probability[byte];
            cr_assert(fabs(sum - 1) < 1e-12, "seed %d, byte %d: probabilities sum to %.17g", (int)seed, i, sum);
            double want = -log(probability[sample.tokens[i]]);
            cr_assert(fabs(want - sample.surprise[i]) < 1e-5, "seed %d, byte %d: surprise %g, the source says %g", (int)seed, i,
                      sample.surprise[i], want);
            cr_assert(prose_reader_advance(&reader, (unsigned char)sample.tokens[i]),
                      "seed %d, byte %d: '%c' has no or two meanings after \"%.40s\"", (int)seed, i, sample.tokens[i],
                      sample.text + (i > 40 ? i - 40 : 0));
        }
        sample_close(&sample);
    }
    prose_close(prose);
}

// Bytes drawn by other means than the distribution says would still pass the test above. Surprise minus entropy is a martingale
// difference: its mean is 0 within its standard error.
Test(prose, mean_surprise_is_the_entropy_of_the_distribution)
{
    enum { COUNT = 60000 };
    struct sample sample = sample_open(7, COUNT);
    struct prose *prose = prose_open();
    struct prose_reader reader;
    double probability[PROSE_BYTES], sum = 0, squares = 0;
    prose_reader_open(&reader, prose);
    for (int i = 0; i < COUNT; i++) {
        double entropy = 0;
        prose_reader_distribution(&reader, probability);
        for (int byte = 0; byte < PROSE_BYTES; byte++)
            entropy -= probability[byte] > 0 ? probability[byte] * log(probability[byte]) : 0;
        double difference = sample.surprise[i] - entropy;
        sum += difference;
        squares += difference * difference;
        cr_assert(prose_reader_advance(&reader, (unsigned char)sample.tokens[i]));
    }
    double error = sqrt(squares) / COUNT;
    cr_expect(fabs(sum / COUNT) < 4 * error, "surprise exceeds entropy by %.5f nats per byte, standard error %.5f", sum / COUNT,
              error);
    prose_close(prose);
    sample_close(&sample);
}

// Counts of four letters in a row, over the letters that occur.
struct markov {
    int letters, id[PROSE_BYTES];
    uint32_t *counts; // [letter, letter, letter, next]
    size_t bytes;
};

static size_t markov_context(const struct markov *markov, const uint16_t *next)
{
    size_t context = 0;
    for (int i = -3; i < 0; i++)
        context = (context + (size_t)markov->id[next[i]]) * (size_t)markov->letters;
    return context;
}

static struct markov markov_open(const struct sample *sample, int64_t train)
{
    struct markov markov = {0};
    struct error error = {0};
    void *block;
    memset(markov.id, -1, sizeof markov.id);
    for (int64_t i = 0; i < sample->count; i++)
        if (markov.id[sample->tokens[i]] < 0)
            markov.id[sample->tokens[i]] = markov.letters++;
    markov.bytes = (size_t)markov.letters * (size_t)markov.letters * (size_t)markov.letters * (size_t)markov.letters * 4;
    cr_assert(memory_large(&block, markov.bytes, "counts", &error), "%s", error.text);
    markov.counts = block;
    for (int64_t i = 3; i < train; i++)
        markov.counts[markov_context(&markov, sample->tokens + i) + (size_t)markov.id[sample->tokens[i]]]++;
    return markov;
}

static double markov_loss(const struct markov *markov, const struct sample *sample, int64_t from, double smoothing)
{
    double sum = 0;
    for (int64_t i = from; i < sample->count; i++) {
        const uint32_t *counts = markov->counts + markov_context(markov, sample->tokens + i);
        double total = smoothing * markov->letters;
        for (int letter = 0; letter < markov->letters; letter++)
            total += counts[letter];
        sum -= log((counts[markov->id[sample->tokens[i]]] + smoothing) / total);
    }
    return sum / (double)(sample->count - from);
}

// If three letters of context were enough, a Transformer would have nothing to show. Each smoothing gets its chance.
Test(prose, an_order_3_markov_model_stays_clearly_above_the_floor)
{
    enum { TRAIN = 5000000, TESTED = 100000 };
    struct sample sample = sample_open(3, TRAIN + TESTED);
    struct markov markov = markov_open(&sample, TRAIN);
    double floor = mean(sample.surprise + TRAIN, TESTED);
    for (double smoothing = 1; smoothing > 1e-4; smoothing /= 10) {
        double loss = markov_loss(&markov, &sample, TRAIN, smoothing);
        cr_expect(loss > floor + 0.3, "smoothing %g: %.3f nats per byte, the floor is %.3f", smoothing, loss, floor);
    }
    cr_expect(floor > 0.4 && floor < 1.2, "floor %.3f", floor);
    memory_large_free(markov.counts, markov.bytes);
    sample_close(&sample);
}

// ---- Structure, seen from outside: words of the text, no grammar ---------------------------------------------------------

struct words {
    const char *at;
    char word[32];
    bool end; // something other than one space follows
};

static void next_word(struct words *words)
{
    int length = 0;
    while (*words->at && !isalpha((unsigned char)*words->at))
        words->at++;
    while (isalpha((unsigned char)*words->at)) {
        if (length < 31)
            words->word[length++] = *words->at;
        words->at++;
    }
    words->word[length] = '\0';
    words->end = *words->at != ' ';
}

static bool ends_in(const char *word, const char *ending)
{
    size_t length = strlen(word), count = strlen(ending);
    return length >= count && strcmp(word + length - count, ending) == 0;
}

// Nouns: an s, or one of English's old plurals. No noun of the text ends in s otherwise.
static bool noun_is_plural(const char *word)
{
    static const char *const old[] = {"women", "men", "children", "mice", "geese", "oxen"};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (strcmp(word, old[i]) == 0)
            return true;
    return ends_in(word, "s") && !ends_in(word, "ss");
}

static bool verb_is_plural(const char *word) { return strcmp(word, "is") != 0 && (ends_in(word, "ss") || !ends_in(word, "s")); }

// "The farmers whom the king trusts sleep": the main verb agrees with the far noun, whatever the near one is. A model that
// looks at the nearest noun would be wrong wherever the two differ.
Test(prose, verbs_agree_across_a_relative_clause)
{
    struct sample sample = sample_open(11, 2000000);
    int seen = 0, wrong = 0, differ = 0;
    char example[160] = "";
    for (const char *at = sample.text; (at = strstr(at, " whom the ")); at++) {
        const char *start = at;
        while (start > sample.text && isalpha((unsigned char)start[-1]))
            start--;
        struct words words = {.at = start};
        char far[32], near[32], inner[32];
        next_word(&words);
        memcpy(far, words.word, sizeof far);
        words.at = at + strlen(" whom the ");
        next_word(&words);
        memcpy(near, words.word, sizeof near);
        next_word(&words);
        memcpy(inner, words.word, sizeof inner);
        bool nested = strcmp(inner, "who") == 0 || words.end; // "... whom the king likes." has no main verb
        next_word(&words);
        if (nested)
            continue;
        static const char *const joints[] = {"as", "while", "from", "in", "near"}; // the clause belonged to an object
        bool object = false;
        for (size_t i = 0; i < sizeof joints / sizeof *joints; i++)
            object |= strcmp(words.word, joints[i]) == 0;
        if (object)
            continue;
        seen++;
        differ += noun_is_plural(far) != noun_is_plural(near);
        if (noun_is_plural(far) != verb_is_plural(words.word) || noun_is_plural(near) != verb_is_plural(inner)) {
            wrong++;
            snprintf(example, sizeof example, "%s whom the %s %s %s", far, near, inner, words.word);
        }
    }
    cr_expect(seen > 500, "only %d clauses", seen);
    cr_expect(wrong == 0, "%d of %d do not agree: %s", wrong, seen, example);
    cr_expect(differ > seen / 4, "the nouns differ in number in only %d of %d", differ, seen);
    sample_close(&sample);
}

// Names are the capitalised words after "called", "named", "with" and the like.
struct names {
    char (*name)[16];
    int64_t *last, *seen;
    int count;
};
static int find_name(const struct names *names, const char *word)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->name[i], word) == 0)
            return i;
    return -1;
}

static bool introduces(const char *word)
{
    static const char *const before[] = {"called", "named", "one", "with", "and", "is"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (strcmp(word, before[i]) == 0)
            return true;
    return false;
}

static void collect_names(const char *text, struct names *names)
{
    char before[32] = "";
    for (struct words words = {.at = text}; *words.at;) {
        next_word(&words);
        if (introduces(before) && isupper((unsigned char)*words.word) && find_name(names, words.word) < 0 &&
            names->count < 2048)
            snprintf(names->name[names->count++], sizeof *names->name, "%.15s", words.word);
        memcpy(before, words.word, sizeof before);
    }
}

// Names that return after 200 and more bytes are what a short attention window must lose: without the introduction in view, a
// name is one of hundreds. That loss, spread over all bytes, has to be large enough to be measured.
Test(prose, names_return_beyond_a_window_of_200_bytes)
{
    enum { COUNT = 300000, WINDOW = 200 };
    struct sample sample = sample_open(5, COUNT);
    struct names names = {.name = memory_allocate(2048, sizeof *names.name),
                          .last = memory_allocate(2048, 8),
                          .seen = memory_allocate(2048, 8)};
    collect_names(sample.text, &names);
    int64_t returns = 0, occurrences = 0;
    double lost = 0;
    for (int pass = 0; pass < 2; pass++) { // first how common each name is, then what forgetting it costs
        for (struct words words = {.at = sample.text}; *words.at;) {
            next_word(&words);
            int name = isupper((unsigned char)*words.word) ? find_name(&names, words.word) : -1;
            if (name < 0)
                continue;
            int64_t position = words.at - sample.text, age = position - names.last[name];
            occurrences += pass == 0;
            names.seen[name] += pass == 0;
            if (pass == 1 && names.last[name] > 0 && age >= WINDOW && age < 4000) { // later ones are namesakes
                returns++;
                lost -= log((double)names.seen[name] / (double)occurrences);
            }
            names.last[name] = position;
        }
        memset(names.last, 0, (size_t)names.count * 8);
    }
    cr_expect(names.count > 200, "only %d names", names.count);
    cr_expect(lost / COUNT > 0.02, "%lld returns cost a short memory %.4f nats per byte", (long long)returns, lost / COUNT);
    free(names.name);
    free(names.last);
    free(names.seen);
    sample_close(&sample);
}

// Runs of one data seed must read the same text in every process; a longer text goes on where the shorter one ended.
Test(prose, text_is_a_function_of_its_seed)
{
    struct sample one = sample_open(1, 20000), again = sample_open(1, 30000), other = sample_open(2, 20000);
    cr_expect(memcmp(one.text, again.text, 20000) == 0);
    cr_expect(memcmp(one.surprise, again.surprise, 20000 * sizeof(float)) == 0);
    cr_expect(memcmp(one.text, other.text, 20000) != 0);
    sample_close(&one);
    sample_close(&again);
    sample_close(&other);
}
