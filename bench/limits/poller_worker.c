/*
 * The reference for worker mode: one poller, one worker that is started once, blocking system calls, nothing clever.
 * usage: RUNTIME_API_ADDR=host:port poller_worker PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "runtime_api.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
	int events, answers;
	struct buffer in;
};

static struct worker start(char **command)
{
	int events[2], answers[2];
	if (pipe2(events, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
		die("pipe2");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(events[0], 0);
		dup2(answers[1], 1);
		execvp(command[0], command);
		die(command[0]);
	}
	close(events[0]);
	close(answers[1]);
	return (struct worker){.events = events[1], .answers = answers[0]};
}

/* answer returns the worker's answer to an event, valid until the next call. */
static char *answer(struct worker *w, const struct message *event, size_t *size)
{
	char *line;
	write_both(w->events, event->body, event->body_size, "\n", 1);
	while (!(*size = next_line(&w->in, &line)))
		if (fill(&w->in, w->answers) == 0) {
			fprintf(stderr, "the worker has ended\n");
			exit(1);
		}
	--*size;
	return line;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_worker PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct worker worker = start(argv + 1);
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		size_t size;
		char *body = answer(&worker, &event, &size);
		api_respond(&api, &event, body, size);
	}
}
