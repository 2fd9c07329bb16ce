/* A chunked body that is compared with the pattern as it comes, and not kept. */
#ifndef STREAM_H
#define STREAM_H

#include "common.h"

struct stream {
	uint64_t size;     /* of the body, as far as it has come */
	const char *fault; /* the first one, or NULL */
	enum { at_size, in_chunk, behind_chunk, behind_last } state;
	uint64_t left; /* of the chunk */
};

/* stream_proceed takes what is in the buffer: 1 at the body's end, 0 if more has to come, -1 if this is no chunked body. */
int stream_proceed(struct stream *s, struct buffer *in);

#endif
