/*
 * It starts a program that polls the runtime API, waits for the poll, ends the program, and prints one line of JSON:
 *   firstPoll  microseconds from before posix_spawn to having read the poll
 *   rss        what the program has resident then, in kB
 * usage: first_poll PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "http.h"
#include "sockets.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL "GET /v1/runtime/invocation/request "

enum { patience = 10000 }; /* milliseconds */

static void failed(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static int listen_for_polls(void)
{
	int port = 0;
	char addr[32];
	int listener = listen_on_loopback(&port);
	snprintf(addr, sizeof addr, "127.0.0.1:%d", port);
	setenv("RUNTIME_API_ADDR", addr, 1);
	return listener;
}

static void await_poll(int listener)
{
	struct pollfd connection = {.fd = listener, .events = POLLIN};
	struct buffer in = {0};
	struct message m;
	if (poll(&connection, 1, patience) != 1)
		failed("the program does not poll");
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		die("accept4");
	if (!receive(fd, &in, &m) || !begins(&m, POLL))
		failed("the program's first request is no poll");
}

static long resident(pid_t pid)
{
	char line[256];
	long kB = 0;
	snprintf(line, sizeof line, "/proc/%d/status", (int)pid);
	FILE *status = fopen(line, "r");
	if (!status)
		die(line);
	while (fgets(line, sizeof line, status))
		if (sscanf(line, "VmRSS: %ld", &kB) == 1)
			break;
	fclose(status);
	return kB;
}

int main(int argc, char **argv)
{
	pid_t pid;
	if (argc < 2) {
		fprintf(stderr, "usage: first_poll PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	int listener = listen_for_polls();
	int64_t began = now();
	errno = posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ);
	if (errno != 0)
		die(argv[1]);
	await_poll(listener);
	double took = (now() - began) / 1e3;
	long kB = resident(pid);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	printf("{\"firstPoll\":%.1f,\"rss\":%ld}\n", took, kB);
	return 0;
}
