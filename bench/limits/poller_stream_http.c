/*
 * The reference for a streamed result in http mode: one web server that is started once, whose answer goes to the platform
 * as it comes, in one of the two ways of piece.h.
 * usage: RUNTIME_API_ADDR=host:port poller_copy_http|poller_splice_http PROGRAM [ARGUMENT ...]
 */
#include "piece.h"
#include "webserver.h"

#include <stdio.h>
#include <stdlib.h>

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

/* relay sends the whole body, of which some may have come with the head. */
static void relay(struct api *a, struct server *s, size_t size)
{
	size_t n = s->in.end - s->in.start;
	if (n > 0)
		api_stream_chunk(a, s->in.data + s->in.start, n);
	take(&s->in, n);
	for (size_t left = size - n; left > 0; left -= n)
		if ((n = piece_move(a, s->fd, left)) == 0)
			server_failed("the server has closed the connection");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port %s PROGRAM [ARGUMENT ...]\n", argv[0]);
		return 2;
	}
	struct server server = server_start(argv + 1);
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		server_post(&server, &event);
		size_t size = receive_head(&server);
		api_stream_begin(&api, &event);
		relay(&api, &server, size);
		api_stream_end(&api);
	}
}
