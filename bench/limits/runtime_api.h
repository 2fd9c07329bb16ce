/* The runtime API as a poller speaks it: one connection, blocking, nothing clever. */
#ifndef RUNTIME_API_H
#define RUNTIME_API_H

#include "http.h"

struct api {
	const char *addr;
	int fd;
	struct buffer in;
	char poll[256]; /* always the same request */
	size_t poll_size;
};

/* api_dial connects to RUNTIME_API_ADDR, or ends the process. */
struct api api_dial(void);

/* api_next polls for an event, which is valid until api_respond or api_stream_end returns. The platform's closing the connection is the end
 * of the run, and of the process. */
struct message api_next(struct api *a);

/* api_respond posts an event's result and waits until the platform has taken it. */
void api_respond(struct api *a, const struct message *event, const char *body, size_t size);

/* api_stream_begin begins to post an event's result in chunks. api_stream_chunk sends one; api_stream_size begins one whose
 * bytes the caller sends to a->fd. api_stream_end waits until the platform has taken it all. */
void api_stream_begin(struct api *a, const struct message *event);
void api_stream_chunk(struct api *a, const char *data, size_t size);
void api_stream_size(struct api *a, size_t size);
void api_stream_end(struct api *a);

#endif
