#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { least_read = 64 << 10 };

void die(const char *what)
{
	perror(what);
	exit(1);
}

int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("write");
		data += n;
		size -= n;
	}
}

void write_both(int fd, const char *first, size_t first_size, const char *second, size_t second_size)
{
	struct iovec pieces[2] = {{(void *)first, first_size}, {(void *)second, second_size}};
	ssize_t n = writev(fd, pieces, 2);
	if (n < 0 && errno != EINTR)
		die("writev");
	size_t written = n < 0 ? 0 : n;
	if (written < first_size) {
		write_all(fd, first + written, first_size - written);
		written = first_size;
	}
	written -= first_size;
	write_all(fd, second + written, second_size - written);
}

void reserve(struct buffer *b, size_t size)
{
	if (b->room - b->start >= size)
		return;
	if (b->start > 0)
		memmove(b->data, b->data + b->start, b->end - b->start);
	b->end -= b->start;
	b->start = 0;
	if (b->room >= size)
		return;
	b->room = 2 * b->room > size ? 2 * b->room : size;
	b->data = realloc(b->data, b->room);
	if (!b->data)
		die("realloc");
}

void append(struct buffer *b, const char *data, size_t size)
{
	reserve(b, b->end - b->start + size);
	memcpy(b->data + b->end, data, size);
	b->end += size;
}

ssize_t fill(struct buffer *b, int fd)
{
	/* What was reserved is filled first: more room than that would move a large body for nothing. */
	if (b->end == b->room)
		reserve(b, b->end - b->start + least_read);
	for (;;) {
		ssize_t n = read(fd, b->data + b->end, b->room - b->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET)
			return 0; /* gone with an answer unread, but gone */
		if (n < 0 && errno != EAGAIN)
			die("read");
		if (n > 0)
			b->end += n;
		return n;
	}
}

void take(struct buffer *b, size_t size)
{
	b->start += size;
	b->searched = 0;
	if (b->start == b->end)
		b->start = b->end = 0;
}

size_t next_line(struct buffer *b, char **line)
{
	*line = b->data + b->start;
	size_t unread = b->end - b->start;
	char *end = memchr(*line + b->searched, '\n', unread - b->searched);
	if (!end) {
		b->searched = unread;
		return 0;
	}
	size_t size = end + 1 - *line;
	take(b, size);
	return size;
}
