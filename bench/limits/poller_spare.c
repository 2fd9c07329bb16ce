/*
 * The reference for pipe mode with a spare: the next event's process is started when the last one's result is posted, and
 * waits in read(stdin) while the poll waits.
 * usage: RUNTIME_API_ADDR=host:port poller_spare PROGRAM [ARGUMENT ...]
 */
#include "program.h"
#include "runtime_api.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct buffer result = {0};
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_spare PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct api api = api_dial();
	for (;;) {
		struct program program = program_start(argv + 1);
		struct message event = api_next(&api);
		program_exchange(&program, event.body, event.body_size, &result);
		program_finish(&program);
		api_respond(&api, &event, result.data + result.start, result.end - result.start);
		take(&result, result.end - result.start);
	}
}
