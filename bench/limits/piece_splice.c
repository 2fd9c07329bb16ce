/* Past the poller's memory: the kernel hands on the pages. */
#define _GNU_SOURCE
#include "piece.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t move(int from, int to, size_t most)
{
	ssize_t n;
	while ((n = splice(from, NULL, to, NULL, most, 0)) < 0)
		if (errno != EINTR)
			die("splice");
	return n;
}

/* at_hand waits until there is something in a pipe and returns how much; 0 at its end. */
static int at_hand(int pipe)
{
	struct pollfd in = {.fd = pipe, .events = POLLIN};
	int size = 0;
	while (poll(&in, 1, -1) < 0)
		if (errno != EINTR)
			die("poll");
	if (ioctl(pipe, FIONREAD, &size) < 0)
		die("FIONREAD");
	return size;
}

/* into_pipe moves what has come on a connection into a pipe of ours, *pipe: only from there it can go on. */
static size_t into_pipe(int from, size_t most, int *pipe)
{
	static int through[2];
	if (through[1] == 0 && (pipe2(through, O_CLOEXEC) < 0 || fcntl(through[0], F_SETPIPE_SZ, piece_size) < 0))
		die("a pipe of 1 MB");
	*pipe = through[0];
	return move(from, through[1], most);
}

size_t piece_move(struct api *a, int from, size_t most)
{
	struct stat s;
	if (fstat(from, &s) < 0)
		die("fstat");
	size_t n = S_ISFIFO(s.st_mode) ? (size_t)at_hand(from) : into_pipe(from, most, &from);
	if (n > 0)
		api_stream_size(a, n);
	for (size_t left = n; left > 0;)
		left -= move(from, a->fd, left);
	return n;
}
