/*
 * The reference for worker mode: one poller, one worker that is started once, blocking system calls, nothing clever.
 * usage: RUNTIME_API_ADDR=host:port poller_worker PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "common.h"
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int dial(const char *addr)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	const char *colon = strchr(addr, ':');
	char host[16] = "";
	if (!colon || colon - addr >= (ptrdiff_t)sizeof host) {
		fprintf(stderr, "RUNTIME_API_ADDR must be an IPv4 address and a port\n");
		exit(1);
	}
	memcpy(host, addr, colon - addr);
	to.sin_port = htons(atoi(colon + 1));
	inet_pton(AF_INET, host, &to.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die(addr);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

/* receive waits for a whole message; the platform's closing the connection is the end of the run. */
static struct message receive(int fd, struct buffer *in)
{
	struct message m;
	do
		if (fill(in, fd) == 0)
			exit(0);
	while (!next_message(in, &m));
	return m;
}

static void respond(int fd, const char *addr, const char *id, size_t id_size, const char *body, size_t size)
{
	char head[512];
	int n = snprintf(head, sizeof head,
		"POST /v1/runtime/invocation/response/%.*s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n",
		(int)id_size, id, addr, size);
	write_both(fd, head, n, body, size);
}

int main(int argc, char **argv)
{
	const char *addr = getenv("RUNTIME_API_ADDR");
	if (!addr || argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_worker PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct worker worker = start(argv + 1);
	struct buffer in = {0};
	char poll[256];
	int poll_size = snprintf(poll, sizeof poll, "GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: %s\r\n\r\n", addr);
	int fd = dial(addr);
	for (;;) {
		write_all(fd, poll, poll_size);
		struct message event = receive(fd, &in);
		size_t size, id_size;
		char *body = answer(&worker, &event, &size);
		char *id = header(&event, "X-Cff-Request-Id: ", &id_size);
		if (!id) {
			fprintf(stderr, "an event without a request id\n");
			return 1;
		}
		respond(fd, addr, id, id_size, body, size);
		receive(fd, &in);
	}
}
