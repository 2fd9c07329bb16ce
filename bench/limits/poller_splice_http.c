/*
 * The reference for a streamed result in http mode: one web server that is started once, whose answer goes from its
 * connection to the platform's without passing through the poller's memory.
 * usage: RUNTIME_API_ADDR=host:port poller_splice_http PROGRAM [ARGUMENT ...]
 */
#define _GNU_SOURCE
#include "runtime_api.h"
#include "webserver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { pipe_size = 1 << 20 };

/* receive_head returns the size of the body that the server's answer announces; what has come of it is left in s->in. */
static size_t receive_head(struct server *s)
{
	struct message answer;
	size_t size;
	do
		if (fill(&s->in, s->fd) == 0)
			server_failed("the server has closed the connection");
	while (!find_head(&s->in, &answer));
	char *length = header(&answer, "Content-Length: ", &size);
	if (!begins(&answer, "HTTP/1.1 200 ") || !length)
		server_failed("the server's answer is not 200 with a Content-Length");
	take(&s->in, answer.head_size);
	return strtoul(length, NULL, 10);
}

/* move puts what has come into a pipe and returns how much that is. */
static size_t move(struct server *s, int pipe, size_t most)
{
	size_t have = s->in.end - s->in.start;
	if (have > 0) {
		write_all(pipe, s->in.data + s->in.start, have);
		take(&s->in, have);
		return have;
	}
	ssize_t n;
	while ((n = splice(s->fd, NULL, pipe, NULL, most, 0)) < 0)
		if (errno != EINTR)
			die("splice");
	if (n == 0)
		server_failed("the server has closed the connection");
	return n;
}

int main(int argc, char **argv)
{
	int through[2];
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_splice_http PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	if (pipe2(through, O_CLOEXEC) < 0 || fcntl(through[0], F_SETPIPE_SZ, pipe_size) < 0)
		die("a pipe of 1 MB");
	struct server server = server_start(argv + 1);
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		server_post(&server, &event);
		size_t left = receive_head(&server);
		api_stream_begin(&api, &event);
		while (left > 0) {
			size_t n = move(&server, through[1], left);
			api_stream_piece(&api, through[0], n);
			left -= n;
		}
		api_stream_end(&api);
	}
}
