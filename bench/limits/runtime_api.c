#include "runtime_api.h"
#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct api api_dial(void)
{
	struct api a = {.addr = getenv("RUNTIME_API_ADDR")};
	if (!a.addr) {
		fprintf(stderr, "RUNTIME_API_ADDR is not set: it must be an IPv4 address and a port\n");
		exit(2);
	}
	a.fd = dial(a.addr);
	if (a.fd < 0)
		die(a.addr);
	a.poll_size = snprintf(a.poll, sizeof a.poll, "GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: %s\r\n\r\n", a.addr);
	return a;
}

static struct message answer(struct api *a)
{
	struct message m;
	if (!receive(a->fd, &a->in, &m))
		exit(0);
	return m;
}

struct message api_next(struct api *a)
{
	write_all(a->fd, a->poll, a->poll_size);
	return answer(a);
}

/* post_head makes the head of a result's request as far as its length. */
static int post_head(struct api *a, const struct message *event, char *head, size_t room)
{
	size_t id_size;
	char *id = header(event, "X-Cff-Request-Id: ", &id_size);
	if (!id) {
		fprintf(stderr, "an event without a request id\n");
		exit(1);
	}
	return snprintf(head, room, "POST /v1/runtime/invocation/response/%.*s HTTP/1.1\r\nHost: %s\r\n", (int)id_size, id, a->addr);
}

void api_respond(struct api *a, const struct message *event, const char *body, size_t size)
{
	char head[512];
	int n = post_head(a, event, head, sizeof head);
	n += snprintf(head + n, sizeof head - n, "Content-Length: %zu\r\n\r\n", size);
	write_both(a->fd, head, n, body, size);
	answer(a);
}

/* send_more keeps a text back until what follows it is there. */
static void send_more(struct api *a, const char *text, int size)
{
	while (size > 0) {
		ssize_t n = send(a->fd, text, size, MSG_MORE);
		if (n < 0 && errno != EINTR)
			die("send");
		if (n > 0) {
			text += n;
			size -= n;
		}
	}
}

void api_stream_begin(struct api *a, const struct message *event)
{
	char head[512];
	int n = post_head(a, event, head, sizeof head);
	n += snprintf(head + n, sizeof head - n, "Transfer-Encoding: chunked\r\n");
	send_more(a, head, n);
}

/* The end of a line, which the head and the last chunk still lack, goes with the next one. */
static int size_line(char *line, size_t room, size_t size)
{
	return snprintf(line, room, "\r\n%zx\r\n", size);
}

void api_stream_chunk(struct api *a, const char *data, size_t size)
{
	char line[32];
	write_both(a->fd, line, size_line(line, sizeof line, size), data, size);
}

void api_stream_size(struct api *a, size_t size)
{
	char line[32];
	send_more(a, line, size_line(line, sizeof line, size));
}

void api_stream_end(struct api *a)
{
	static const char last[] = "\r\n0\r\n\r\n";
	write_all(a->fd, last, sizeof last - 1);
	answer(a);
}
