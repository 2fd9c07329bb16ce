#include "pattern.h"

/* A prime, so that pieces of all usual sizes that have moved are noticed. */
enum { period = 65521 };

static char table[period + pattern_piece];

void pattern_prepare(void)
{
	uint32_t random = 1;
	for (int i = 0; i < period; i++) {
		random = random * 1664525 + 1013904223;
		table[i] = random >> 24;
	}
	for (int i = period; i < period + pattern_piece; i++)
		table[i] = table[i - period];
}

const char *pattern_at(uint64_t offset)
{
	return table + offset % period;
}
