#include "stream.h"
#include "pattern.h"

#include <string.h>

enum { longest_line = 32 };

static int broken(struct stream *s, const char *why)
{
	s->fault = why;
	return -1;
}

static void compare(struct stream *s, const char *data, size_t size)
{
	while (size > 0) {
		size_t n = size < pattern_piece ? size : pattern_piece;
		if (!s->fault && memcmp(data, pattern_at(s->size), n) != 0)
			s->fault = "has streamed a wrong byte";
		s->size += n;
		data += n;
		size -= n;
	}
}

/* hexadecimal reads digits up to the end of the line; 0 if it is anything else. */
static int hexadecimal(const char *line, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	*value = 0;
	const char *at = line;
	for (const char *digit; *at != '\r' && (digit = strchr(digits, *at)) && *digit; at++)
		*value = *value << 4 | (digit - digits) % 16;
	return at > line && at - line <= 15 && at[0] == '\r' && at[1] == '\n';
}

/* step takes the line between two chunks. */
static int step(struct stream *s, const char *line, size_t size)
{
	if (s->state == at_size) {
		if (!hexadecimal(line, &s->left))
			return broken(s, "has streamed a chunk without a size");
		s->state = s->left > 0 ? in_chunk : behind_last;
		return 0;
	}
	if (size != 2 || line[0] != '\r')
		return broken(s, "has streamed a chunk that is longer than its size");
	int end = s->state == behind_last;
	s->state = at_size;
	return end;
}

int stream_proceed(struct stream *s, struct buffer *in)
{
	for (;;) {
		size_t unread = in->end - in->start;
		if (s->state == in_chunk) {
			size_t n = unread < s->left ? unread : s->left;
			compare(s, in->data + in->start, n);
			take(in, n);
			s->left -= n;
			if (s->left > 0)
				return 0;
			s->state = behind_chunk;
			continue;
		}
		char *line;
		size_t size = next_line(in, &line);
		if (size == 0)
			return unread > longest_line ? broken(s, "has streamed no chunks") : 0;
		int end = step(s, line, size);
		if (end != 0)
			return end;
	}
}
