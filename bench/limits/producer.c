/*
 * The program for a streamed answer in pipe mode: it reads its event to the end and writes that many bytes of the pattern.
 * usage: producer BYTES
 */
#include "common.h"
#include "pattern.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct buffer event = {0};
	if (argc != 2) {
		fprintf(stderr, "usage: producer BYTES\n");
		return 2;
	}
	uint64_t left = strtoull(argv[1], NULL, 10);
	pattern_prepare();
	while (fill(&event, 0) > 0)
		take(&event, event.end - event.start);
	for (uint64_t at = 0; left > 0;) {
		size_t n = left < pattern_piece ? left : pattern_piece;
		write_all(1, pattern_at(at), n);
		at += n;
		left -= n;
	}
	return 0;
}
