/*
 * The reference for a streamed result in pipe mode: a process per event, whose output goes to the platform as it comes, in
 * one of the two ways of piece.h.
 * usage: RUNTIME_API_ADDR=host:port poller_copy|poller_splice PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "piece.h"
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port %s PROGRAM [ARGUMENT ...]\n", argv[0]);
		return 2;
	}
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		struct program program = program_start(argv + 1);
		if (fcntl(program.result, F_SETPIPE_SZ, piece_size) < 0)
			die("F_SETPIPE_SZ");
		write_all(program.event, event.body, event.body_size);
		close(program.event);
		api_stream_begin(&api, &event);
		while (piece_move(&api, program.result, piece_size) > 0)
			;
		api_stream_end(&api);
		program_finish(&program);
	}
}
