/*
 * The reference for http mode: one poller, one web server that is started once on a free port, one connection to it,
 * blocking system calls, nothing clever.
 * usage: RUNTIME_API_ADDR=host:port poller_http PROGRAM [ARGUMENT ...]
 */
#include "runtime_api.h"
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { tries = 5000, microseconds_between = 1000 };

struct server {
	pid_t pid;
	char addr[32];
	int fd;
	struct buffer in;
};

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

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void connect_to(struct server *s)
{
	for (int i = 0; (s->fd = dial(s->addr)) < 0; i++) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			fail("the server has ended");
		if (i == tries)
			die(s->addr);
		usleep(microseconds_between);
	}
}

/* ask returns the server's answer to an event, valid until the next call. */
static struct message ask(struct server *s, const struct message *event)
{
	char head[256];
	struct message answer;
	int n = snprintf(head, sizeof head,
		"POST /invoke HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		s->addr, event->body_size);
	write_both(s->fd, head, n, event->body, event->body_size);
	if (!receive(s->fd, &s->in, &answer))
		fail("the server has closed the connection");
	if (!begins(&answer, "HTTP/1.1 200 "))
		fail("the server's answer is not 200");
	return answer;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: RUNTIME_API_ADDR=host:port poller_http PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	struct server server = {0};
	start(&server, argv + 1);
	connect_to(&server);
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		struct message answer = ask(&server, &event);
		api_respond(&api, &event, answer.body, answer.body_size);
	}
}
