#include "webserver.h"
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { tries = 5000, microseconds_between = 1000 };

static void start(struct server *s, char **command)
{
	int port = 0;
	char text[16];
	close(listen_on_loopback(&port)); /* free a moment ago */
	snprintf(text, sizeof text, "%d", port);
	snprintf(s->addr, sizeof s->addr, "127.0.0.1:%d", port);
	s->pid = fork();
	if (s->pid < 0)
		die("fork");
	if (s->pid == 0) {
		setenv("PORT", text, 1);
		execvp(command[0], command);
		die(command[0]);
	}
}

void server_failed(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void connect_to(struct server *s)
{
	for (int i = 0; (s->fd = dial(s->addr)) < 0; i++) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			server_failed("the server has ended");
		if (i == tries)
			die(s->addr);
		usleep(microseconds_between);
	}
}

struct server server_start(char **command)
{
	struct server s = {0};
	start(&s, command);
	connect_to(&s);
	return s;
}

void server_post(const struct server *s, const struct message *event)
{
	char head[256];
	int n = snprintf(head, sizeof head,
		"POST /invoke HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		s->addr, event->body_size);
	write_both(s->fd, head, n, event->body, event->body_size);
}
