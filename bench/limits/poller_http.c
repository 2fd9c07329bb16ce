/*
 * The reference for http mode: one poller, one web server that is started once on a free port, one connection to it,
 * blocking system calls, nothing clever.
 * usage: RUNTIME_API_ADDR=host:port poller_http PROGRAM [ARGUMENT ...]
 */
#include "runtime_api.h"
#include "webserver.h"

#include <stdio.h>

/* ask returns the server's answer to an event, valid until the next call. */
static struct message ask(struct server *s, const struct message *event)
{
	struct message answer;
	server_post(s, event);
	if (!receive(s->fd, &s->in, &answer))
		server_failed("the server has closed the connection");
	if (!begins(&answer, "HTTP/1.1 200 "))
		server_failed("the server's answer is not 200");
	return answer;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_http PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct server server = server_start(argv + 1);
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		struct message answer = ask(&server, &event);
		api_respond(&api, &event, answer.body, answer.body_size);
	}
}
