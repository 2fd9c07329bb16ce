/*
 * The reference for a streamed result in pipe mode: a process per event, whose output goes to the platform as it comes, in
 * one of the two ways of piece.h.
 * usage: RUNTIME_API_ADDR=host:port poller_copy|poller_splice PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "piece.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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
	if (fcntl(out[0], F_SETPIPE_SZ, piece_size) < 0)
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
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port %s PROGRAM [ARGUMENT ...]\n", argv[0]);
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
		while (piece_move(&api, program.result, piece_size) > 0)
			;
		api_stream_end(&api);
		finish(&program);
	}
}
