#include "runtime_api.h"
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

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

void api_respond(struct api *a, const struct message *event, const char *body, size_t size)
{
	char head[512];
	size_t id_size;
	char *id = header(event, "X-Cff-Request-Id: ", &id_size);
	if (!id) {
		fprintf(stderr, "an event without a request id\n");
		exit(1);
	}
	int n = snprintf(head, sizeof head,
		"POST /v1/runtime/invocation/response/%.*s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n",
		(int)id_size, id, a->addr, size);
	write_both(a->fd, head, n, body, size);
	answer(a);
}
