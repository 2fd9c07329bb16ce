/* What the C programs share: dying with a reason, whole writes, and a buffer that grows with what is read. */
#ifndef COMMON_H
#define COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The unread bytes are data[start..end); of those, next_line has looked at the first `searched` in vain. */
struct buffer {
	char *data;
	size_t start, end, room, searched;
};

/* die says what could not be done and why (errno), and ends the process. */
void die(const char *what);

/* now is the monotonic clock, in nanoseconds. */
int64_t now(void);

/* write_all writes to a blocking descriptor. */
void write_all(int fd, const char *data, size_t size);

/* write_both writes two pieces in one system call, if they fit. */
void write_both(int fd, const char *first, size_t first_size, const char *second, size_t second_size);

/* reserve makes room for `size` unread bytes in all; pointers into the buffer end here. */
void reserve(struct buffer *b, size_t size);

/* append adds bytes behind the unread ones. */
void append(struct buffer *b, const char *data, size_t size);

/* fill reads once: what read(2) returned, but -1 only for a non-blocking descriptor that has nothing. */
ssize_t fill(struct buffer *b, int fd);

/* take says that the first `size` unread bytes are read. They stay where they are until reserve, append or fill. */
void take(struct buffer *b, size_t size);

/* next_line takes a line and returns its size with the "\n"; 0 if there is no whole line yet. */
size_t next_line(struct buffer *b, char **line);

#endif
