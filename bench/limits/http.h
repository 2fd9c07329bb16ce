/* HTTP/1.1 as far as the driver and the pollers speak it: messages with a Content-Length, or without a body. What else there
 * is begins with find_head. */
#ifndef HTTP_H
#define HTTP_H

#include "common.h"

struct message {
	char *head, *body; /* the head with its empty line */
	size_t head_size, body_size;
};

/* find_head finds a message's head, if it is there as a whole; it stays in b, and whatever its body is too. */
int find_head(const struct buffer *b, struct message *m);

/* next_message takes a message out of b if it is there as a whole. */
int next_message(struct buffer *b, struct message *m);

/* receive waits on a blocking descriptor for a whole message; 0 if the peer has closed. */
int receive(int fd, struct buffer *in, struct message *m);

/* begins tells whether the head begins with that text. */
int begins(const struct message *m, const char *with);

/* header finds a header's value; NULL if there is none. `name` is like "Content-Length: ". */
char *header(const struct message *m, const char *name, size_t *size);

#endif
