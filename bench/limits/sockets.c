#define _GNU_SOURCE
#include "sockets.h"
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void set(int fd, int level, int option)
{
	if (setsockopt(fd, level, option, &(int){1}, sizeof(int)) < 0)
		die("setsockopt");
}

int dial(const char *addr)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	const char *colon = strchr(addr, ':');
	char host[16] = "";
	if (!colon || colon - addr >= (ptrdiff_t)sizeof host) {
		errno = EINVAL;
		return -1;
	}
	memcpy(host, addr, colon - addr);
	to.sin_port = htons(atoi(colon + 1));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		int reason = errno;
		close(fd);
		errno = reason;
		return -1;
	}
	set(fd, IPPROTO_TCP, TCP_NODELAY);
	return fd;
}

int listen_on_loopback(int *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	set(fd, SOL_SOCKET, SO_REUSEADDR); /* a server started anew finds connections of the last one in TIME_WAIT */
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 128) < 0)
		die("listen");
	if (getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		die("getsockname");
	*port = ntohs(at.sin_port);
	return fd;
}

int accept_connection(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		die("accept4");
	set(fd, IPPROTO_TCP, TCP_NODELAY);
	return fd;
}

void watch(int epoll, int fd, void *owner, int operation, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = owner};
	if (epoll_ctl(epoll, operation, fd, &e) < 0)
		die("epoll_ctl");
}

int send_some(int fd, struct iovec out[2])
{
	struct msghdr m = {.msg_iov = out, .msg_iovlen = 2};
	while (out[0].iov_len + out[1].iov_len > 0) {
		ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return -1;
		if (n < 0)
			die("sendmsg");
		for (int i = 0; i < 2; i++) {
			size_t part = (size_t)n < out[i].iov_len ? (size_t)n : out[i].iov_len;
			out[i].iov_base = (char *)out[i].iov_base + part;
			out[i].iov_len -= part;
			n -= part;
		}
	}
	return 1;
}
