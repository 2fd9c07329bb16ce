/*
 * The reference for a streamed result in pipe mode: a process per event, whose output goes from its pipe to the platform
 * without passing through the poller's memory.
 * usage: RUNTIME_API_ADDR=host:port poller_splice PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "runtime_api.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { pipe_size = 1 << 20 };

struct program {
	pid_t pid;
	int event, result; /* our ends of its pipes */
};

static void start(struct program *p, char **command)
{
	int in[2], out[2];
	posix_spawn_file_actions_t actions;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe2");
	if (fcntl(out[0], F_SETPIPE_SZ, pipe_size) < 0)
		die("F_SETPIPE_SZ");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	errno = posix_spawnp(&p->pid, command[0], &actions, NULL, command, environ);
	if (errno != 0)
		die(command[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	p->event = in[1];
	p->result = out[0];
}

/* at_hand waits until there is something in a pipe and returns how much; 0 at its end. */
static int at_hand(int pipe)
{
	struct pollfd in = {.fd = pipe, .events = POLLIN};
	int size = 0;
	while (poll(&in, 1, -1) < 0)
		if (errno != EINTR)
			die("poll");
	if (ioctl(pipe, FIONREAD, &size) < 0)
		die("FIONREAD");
	return size;
}

static void finish(struct program *p)
{
	int status;
	close(p->result);
	if (waitpid(p->pid, &status, 0) < 0)
		die("waitpid");
	if (status != 0) {
		fprintf(stderr, "the program has failed\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_splice PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct api api = api_dial();
	for (;;) {
		struct program program;
		struct message event = api_next(&api);
		start(&program, argv + 1);
		write_all(program.event, event.body, event.body_size);
		close(program.event);
		api_stream_begin(&api, &event);
		for (int size; (size = at_hand(program.result)) > 0;)
			api_stream_piece(&api, program.result, size);
		api_stream_end(&api);
		finish(&program);
	}
}
