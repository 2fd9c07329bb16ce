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

/* api_next polls for an event, which is valid until api_respond returns. The platform's closing the connection is the end
 * of the run, and of the process. */
struct message api_next(struct api *a);

/* api_respond posts an event's result and waits until the platform has taken it. */
void api_respond(struct api *a, const struct message *event, const char *body, size_t size);

#endif
