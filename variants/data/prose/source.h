// source.h: the source behind data=prose: an English-like grammar whose next byte has a known probability.
//
// Every production begins with text, and no two that compete at one place begin with the same word, so a text has exactly one
// derivation and the state (a stack of what is still to be said, and who was introduced) is a function of the bytes so far.
// Hence the probability of each byte given all earlier ones is known: the mean of -log of it is the floor no model can beat.
#ifndef PROSE_SOURCE_H
#define PROSE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

enum { PROSE_BYTES = 256, PROSE_TEXT_MAX = 120, PROSE_STACK_MAX = 256, PROSE_ROLES_MAX = 16 };

struct prose; // the compiled grammar: read-only once made
struct prose_word;

struct prose *prose_open(void);
void prose_close(struct prose *prose);

// Writes `count` bytes as tokens and the -log p of each in nats.
void prose_write(const struct prose *prose, uint64_t seed, int64_t count, uint16_t *tokens, float *surprise);

// What has been said determines this.
struct prose_state {
    int height;
    int16_t stack[PROSE_STACK_MAX];                  // symbols still to be said, the next one on top
    const struct prose_word *roles[PROSE_ROLES_MAX]; // who and what was introduced
};

// Follows a text byte by byte and states the distribution of the next one: computed from the candidates themselves, not from
// what prose_write has tabled.
struct prose_reader {
    const struct prose *prose;
    struct prose_state state; // before the present symbol's word
    int symbol;
    int length;
    char prefix[PROSE_TEXT_MAX]; // of the present word, so far
};
void prose_reader_open(struct prose_reader *reader, const struct prose *prose);
void prose_reader_distribution(const struct prose_reader *reader, double probability[PROSE_BYTES]);
// False when the source cannot say this byte here, or when it could mean two things.
bool prose_reader_advance(struct prose_reader *reader, unsigned char byte);

#endif
