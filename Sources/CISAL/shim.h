#pragma once
#include <stddef.h>
#include <stdlib.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

// Swift would import the 80 KiB of arrays in struct inflate_state as tuples of as many elements: it stays behind a
// pointer here.
typedef struct cisal_inflate cisal_inflate;

/// For raw deflate data (RFC 1951); NULL without memory.
static inline cisal_inflate *cisal_new(void) {
    struct inflate_state *state = malloc(sizeof *state);
    if (state) isal_inflate_init(state);
    return (cisal_inflate *)state;
}

static inline void cisal_free(cisal_inflate *stream) { free(stream); }

/// Inflates what fits; `input` and `output` become how much is left of either. Negative when the data is none.
static inline int cisal_step(
    cisal_inflate *stream, const uint8_t *next_in, uint32_t *input, uint8_t *next_out, uint32_t *output) {
    struct inflate_state *state = (struct inflate_state *)stream;
    state->next_in = (uint8_t *)next_in;
    state->avail_in = *input;
    state->next_out = next_out;
    state->avail_out = *output;
    int result = isal_inflate(state);
    *input = state->avail_in;
    *output = state->avail_out;
    return result;
}

static inline int cisal_is_finished(const cisal_inflate *stream) {
    return ((const struct inflate_state *)stream)->block_state == ISAL_BLOCK_FINISH;
}

/// How many whole bytes it has taken that follow the end of the data: it reads eight at a time.
static inline int cisal_surplus(const cisal_inflate *stream) {
    return ((const struct inflate_state *)stream)->read_in_length / 8;
}
