/*
 * The reference for pipe mode: one poller, a process per event that is started when the event is there.
 * usage: RUNTIME_API_ADDR=host:port poller_spawn PROGRAM [ARGUMENT ...]
 */
#include "program.h"
#include "runtime_api.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct buffer result = {0};
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_spawn PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		struct program program = program_start(argv + 1);
		program_exchange(&program, event.body, event.body_size, &result);
		program_finish(&program);
		api_respond(&api, &event, result.data + result.start, result.end - result.start);
		take(&result, result.end - result.start);
	}
}
