/* A web server that is started once on a free port, and one connection to it, as a poller has them. */
#ifndef WEBSERVER_H
#define WEBSERVER_H

#include "http.h"

struct server {
	pid_t pid;
	char addr[32];
	int fd;
	struct buffer in;
};

/* server_start returns when the server listens, or ends the process. */
struct server server_start(char **command);

/* server_post sends it an event. */
void server_post(const struct server *s, const struct message *event);

/* server_failed ends the process. */
void server_failed(const char *what);

#endif
