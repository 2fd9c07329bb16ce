/* TCP on loopback, for pollers that block and for servers in one thread with an epoll. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdint.h>
#include <sys/uio.h>

/* dial connects to "IPv4 address:port" and returns a blocking descriptor, or -1 with errno set. */
int dial(const char *addr);

/* listen_on_loopback listens on that port of 127.0.0.1, with 0 on a free one, and sets *port to the one it is. */
int listen_on_loopback(int *port);

/* accept_connection returns a non-blocking descriptor. */
int accept_connection(int listener);

/* watch is epoll_ctl; the epoll gives owner back when there is something. */
void watch(int epoll, int fd, void *owner, int operation, uint32_t events);

/* send_some sends what a non-blocking socket takes and leaves in `out` what is left: 1 if nothing is, 0 if the socket is
 * full, -1 if the peer has gone. */
int send_some(int fd, struct iovec out[2]);

#endif
