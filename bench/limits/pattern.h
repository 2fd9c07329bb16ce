/* The bytes of a streamed answer: the same for every event, and no piece of them fits anywhere near another place. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdint.h>

enum { pattern_piece = 64 << 10 };

/* pattern_prepare comes first. */
void pattern_prepare(void);

/* pattern_at is where the bytes from an offset on stand, pattern_piece of them. */
const char *pattern_at(uint64_t offset);

#endif
