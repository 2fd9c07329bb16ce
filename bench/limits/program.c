#define _GNU_SOURCE
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct program program_start(char **command)
{
	struct program p;
	int in[2], out[2];
	posix_spawn_file_actions_t actions;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe2");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	errno = posix_spawnp(&p.pid, command[0], &actions, NULL, command, environ);
	if (errno != 0)
		die(command[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	p.event = in[1];
	p.result = out[0];
	return p;
}

/* give writes what the pipe takes and closes it behind the last byte; it returns how much is left. */
static size_t give(struct program *p, const char *event, size_t size)
{
	ssize_t n = write(p->event, event, size);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("write to the program");
	size -= n < 0 ? 0 : n;
	if (size > 0)
		return size;
	close(p->event);
	return 0;
}

/* await waits until there is a result to read; it returns 0 if before that the pipe takes more of the event. */
static int await(const struct program *p)
{
	struct pollfd both[2] = {{.fd = p->result, .events = POLLIN}, {.fd = p->event, .events = POLLOUT}};
	while (poll(both, 2, -1) < 0)
		if (errno != EINTR)
			die("poll");
	return both[0].revents != 0;
}

void program_exchange(struct program *p, const char *event, size_t size, struct buffer *result)
{
	const char *end = event + size;
	fcntl(p->event, F_SETFL, O_NONBLOCK);
	size_t left = give(p, event, size);
	for (;;)
		if (left > 0 && !await(p))
			left = give(p, end - left, left);
		else if (fill(result, p->result) == 0)
			break;
	if (left > 0)
		close(p->event); /* it has not read to the end */
}

void program_finish(struct program *p)
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
