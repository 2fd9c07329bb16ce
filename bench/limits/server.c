/*
 * The web server for http mode: it answers every request, whatever its method and path, with the request's body, or with
 * that many bytes of the pattern.
 * usage: PORT=number server [BYTES]
 */
#include "common.h"
#include "http.h"
#include "pattern.h"
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct connection {
	int fd;
	struct buffer in;
	char head[128];
	struct iovec out[2]; /* what is still to be sent: of `head`, and of the body what is in `in` or comes next in the pattern */
	size_t left;         /* of the pattern, behind what is in `out` */
	int stuck; /* the socket takes no more for now */
};

static int epoll;
static size_t answer_bytes; /* of the pattern; 0: the request's body is the answer */

static void hang_up(struct connection *c)
{
	close(c->fd);
	free(c->in.data);
	free(c);
}

/* next_piece makes ready what comes next of the pattern; it returns whether anything does. */
static int next_piece(struct connection *c)
{
	size_t n = c->left < pattern_piece ? c->left : pattern_piece;
	c->out[1] = (struct iovec){(char *)pattern_at(answer_bytes - c->left), n};
	c->left -= n;
	return n > 0;
}

static void answer(struct connection *c, const struct message *request)
{
	int size = snprintf(c->head, sizeof c->head,
		"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
		answer_bytes > 0 ? answer_bytes : request->body_size);
	c->out[0] = (struct iovec){c->head, size};
	c->out[1] = (struct iovec){request->body, request->body_size};
	c->left = answer_bytes;
	if (c->left > 0)
		next_piece(c);
}

/* next_answer makes ready the answer to what else has come. */
static int next_answer(struct connection *c)
{
	struct message request;
	if (!next_message(&c->in, &request))
		return 0;
	answer(c, &request);
	return 1;
}

static void proceed(struct connection *c)
{
	int sent;
	while ((sent = send_some(c->fd, c->out)) == 1 && (next_piece(c) || next_answer(c)))
		;
	if (sent < 0) {
		hang_up(c);
		return;
	}
	int stuck = sent == 0;
	if (stuck != c->stuck)
		watch(epoll, c->fd, c, EPOLL_CTL_MOD, stuck ? EPOLLOUT : EPOLLIN);
	c->stuck = stuck;
}

static void ready(struct connection *c)
{
	/* While an answer is stuck nothing is read: that could move the body which is being sent. */
	if (!c->stuck) {
		ssize_t n = fill(&c->in, c->fd);
		if (n == 0)
			hang_up(c);
		if (n <= 0)
			return;
	}
	proceed(c);
}

static void accept_one(int listener)
{
	struct connection *c = calloc(1, sizeof *c);
	if (!c)
		die("calloc");
	c->fd = accept_connection(listener);
	watch(epoll, c->fd, c, EPOLL_CTL_ADD, EPOLLIN);
}

int main(int argc, char **argv)
{
	const char *given = getenv("PORT");
	int port = given ? atoi(given) : 0;
	if (port <= 0 || argc > 2) {
		fprintf(stderr, "usage: PORT=number server [BYTES]\n");
		return 2;
	}
	if (argc == 2)
		answer_bytes = strtoul(argv[1], NULL, 10);
	pattern_prepare();
	struct epoll_event events[64];
	int listener = listen_on_loopback(&port);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(epoll, listener, NULL, EPOLL_CTL_ADD, EPOLLIN);
	for (;;) {
		int n = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				ready(events[i].data.ptr);
			else
				accept_one(listener);
	}
}
