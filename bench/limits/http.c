#define _GNU_SOURCE
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

char *header(const struct message *m, const char *name, size_t *size)
{
	size_t name_size = strlen(name);
	char *end = m->head + m->head_size;
	char *line = memchr(m->head, '\n', m->head_size); /* behind the first line */
	while (line && end - ++line > (ptrdiff_t)name_size) {
		char *next = memchr(line, '\n', end - line);
		if (next && strncasecmp(line, name, name_size) == 0) {
			*size = next - 1 - line - name_size;
			return line + name_size;
		}
		line = next;
	}
	return NULL;
}

static size_t content_length(const struct message *m)
{
	size_t size;
	if (header(m, "Transfer-Encoding: ", &size)) {
		fprintf(stderr, "a chunked body: only bodies with a Content-Length are spoken here\n");
		exit(1);
	}
	char *value = header(m, "Content-Length: ", &size);
	return value ? strtoul(value, NULL, 10) : 0;
}

int find_head(const struct buffer *b, struct message *m)
{
	char *blank = memmem(b->data + b->start, b->end - b->start, "\r\n\r\n", 4);
	if (!blank)
		return 0;
	m->head = b->data + b->start;
	m->head_size = blank + 4 - m->head;
	return 1;
}

int next_message(struct buffer *b, struct message *m)
{
	if (!find_head(b, m))
		return 0;
	m->body_size = content_length(m);
	size_t whole = m->head_size + m->body_size;
	if (b->end - b->start < whole) {
		reserve(b, whole); /* so that the rest comes in large reads */
		return 0;
	}
	m->body = m->head + m->head_size;
	take(b, whole);
	return 1;
}

int begins(const struct message *m, const char *with)
{
	return m->head_size > strlen(with) && memcmp(m->head, with, strlen(with)) == 0;
}

int receive(int fd, struct buffer *in, struct message *m)
{
	do
		if (fill(in, fd) == 0)
			return 0;
	while (!next_message(in, m));
	return 1;
}
