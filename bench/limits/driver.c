/*
 * A lean platform: FunctionGraph's runtime API on 127.0.0.1, in one thread. It prints "port N", hands events to whoever
 * polls, checks every answer, prints "warm" when the warm-up is over, at last one line of JSON, and leaves those who poll
 * waiting until it is stopped. Times are microseconds:
 *   p50, p99  from sending an event to having read the whole answer
 *   period    the median from sending an event to sending the next
 *   rate      events per second
 */
#define _GNU_SOURCE
#include "common.h"
#include "events.h"
#include "http.h"
#include "pattern.h"
#include "sockets.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define POLL "GET /v1/runtime/invocation/request "
#define RESPONSE "POST /v1/runtime/invocation/response/"
#define ERROR "POST /v1/runtime/invocation/error/"

enum { stream_read = 256 << 10 };

struct connection {
	struct connection *next; /* of those that wait for an event */
	int fd, waiting;
	struct buffer in;
	char opening[opening_room];
	struct iovec out[2]; /* what is still to be sent */
	int streaming;       /* an answer is coming in chunks: that one, to this event */
	struct stream answer;
	char id[64];
};

static int epoll, listener, timer;
static struct connection *first_waiting, **last_waiting = &first_waiting;

static void wait_for_event(struct connection *c)
{
	c->waiting = 1;
	c->next = NULL;
	*last_waiting = c;
	last_waiting = &c->next;
}

static void stop_waiting(struct connection *c)
{
	struct connection **at = &first_waiting;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (last_waiting == &c->next)
		last_waiting = at;
	c->waiting = 0;
}

static void hang_up(struct connection *c)
{
	if (c->waiting)
		stop_waiting(c);
	close(c->fd);
	free(c->in.data);
	free(c);
}

static void flush(struct connection *c)
{
	int sent = send_some(c->fd, c->out);
	if (sent < 0)
		die("sendmsg");
	if (sent == 0)
		watch(epoll, c->fd, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void acknowledge(struct connection *c)
{
	static char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	c->out[0] = (struct iovec){ok, strlen(ok)};
	flush(c);
}

static void expect_request(const struct connection *c)
{
	if (c->waiting || c->out[0].iov_len + c->out[1].iov_len > 0) {
		fprintf(stderr, "a request before the answer to the last one: pipelining is not spoken here\n");
		exit(1);
	}
}

static void handle(struct connection *c, const struct message *m)
{
	const char *id = m->head + (begins(m, RESPONSE) ? strlen(RESPONSE) : strlen(ERROR));
	expect_request(c);
	if (begins(m, POLL)) {
		wait_for_event(c);
	} else if (begins(m, RESPONSE)) {
		events_answered(id, strcspn(id, " "), m->body, m->body_size);
		acknowledge(c);
	} else if (begins(m, ERROR)) {
		events_failed(id, strcspn(id, " "), m->body, m->body_size);
		acknowledge(c);
	} else {
		fprintf(stderr, "not a request of the runtime API: %.*s\n", (int)strcspn(m->head, "\r"), m->head);
		exit(1);
	}
}

static int is_stream(const struct message *m)
{
	size_t size;
	return begins(m, RESPONSE) && header(m, "Transfer-Encoding: ", &size);
}

static void begin_stream(struct connection *c, const struct message *m)
{
	const char *id = m->head + strlen(RESPONSE);
	expect_request(c);
	c->streaming = 1;
	c->answer = (struct stream){0};
	snprintf(c->id, sizeof c->id, "%.*s", (int)strcspn(id, " "), id);
	take(&c->in, m->head_size);
}

static void end_stream(struct connection *c, const char *fault)
{
	c->streaming = 0;
	events_streamed(c->id, strlen(c->id), fault, c->answer.size);
}

/* next_piece takes what has come of an answer; it returns whether that is all of it. */
static int next_piece(struct connection *c)
{
	int end = stream_proceed(&c->answer, &c->in);
	if (end != 0)
		end_stream(c, c->answer.fault);
	if (end < 0)
		hang_up(c); /* nobody knows where the next request begins */
	if (end > 0)
		acknowledge(c);
	return end > 0;
}

/* next takes a request, or the rest of one; it returns whether it has. */
static int next(struct connection *c)
{
	struct message m;
	if (c->streaming)
		return next_piece(c);
	if (find_head(&c->in, &m) && is_stream(&m)) {
		begin_stream(c, &m);
		return 1;
	}
	if (!next_message(&c->in, &m))
		return 0;
	handle(c, &m);
	return 1;
}

static void readable(struct connection *c)
{
	if (c->streaming)
		reserve(&c->in, stream_read);
	ssize_t n = fill(&c->in, c->fd);
	if (n == 0) {
		if (c->streaming)
			end_stream(c, "has streamed an answer that is cut short");
		hang_up(c);
	}
	while (n > 0 && next(c))
		;
}

static void writable(struct connection *c)
{
	watch(epoll, c->fd, c, EPOLL_CTL_MOD, EPOLLIN);
	flush(c);
}

static void accept_one(void)
{
	struct connection *c = calloc(1, sizeof *c);
	if (!c)
		die("calloc");
	c->fd = accept_connection(listener);
	watch(epoll, c->fd, c, EPOLL_CTL_ADD, EPOLLIN);
}

/* hand_out sends what is due to those who wait, and else sets the timer for when something is. */
static void hand_out(const struct load *load)
{
	while (first_waiting && events_due()) {
		struct connection *c = first_waiting;
		stop_waiting(c);
		events_next(c->opening, c->out);
		flush(c);
	}
	if (first_waiting && load->gap > 0) {
		int64_t at = events_due_at();
		struct itimerspec t = {.it_value = {at / 1000000000, at % 1000000000}};
		timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
	}
}

static void announce(void)
{
	int port = 0;
	listener = listen_on_loopback(&port);
	printf("port %d\n", port);
	fflush(stdout);
}

static void serve(const struct load *load)
{
	struct epoll_event ready[64];
	epoll = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	watch(epoll, listener, &listener, EPOLL_CTL_ADD, EPOLLIN);
	watch(epoll, timer, &timer, EPOLL_CTL_ADD, EPOLLIN);
	while (!events_over()) {
		int n = epoll_wait(epoll, ready, 64, -1);
		for (int i = 0; i < n; i++) {
			uint64_t expirations;
			if (ready[i].data.ptr == &listener)
				accept_one();
			else if (ready[i].data.ptr == &timer)
				(void)!read(timer, &expirations, sizeof expirations);
			else if (ready[i].events & EPOLLOUT)
				writable(ready[i].data.ptr);
			else
				readable(ready[i].data.ptr);
		}
		hand_out(load);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: driver [-n events] [-w events to warm up] [-k raw|text|binary|stream] [-b bytes of an event, at least %d; "
		"but with text and binary of the body in it, and with stream of the answer] [-f events in flight] "
		"[-g microseconds from an answer to the next event; needs -f 1]\n", least_payload);
	exit(2);
}

static enum payload_kind kind_of(const char *name)
{
	static const char *names[] = {[payload_raw] = "raw", [payload_text] = "text", [payload_binary] = "binary", [payload_stream] = "stream"};
	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	usage();
	return 0;
}

int main(int argc, char **argv)
{
	struct load load = {.events = 1000, .warm_up = 100, .bytes = 1024, .in_flight = 1};
	for (int option; (option = getopt(argc, argv, "n:w:k:b:f:g:")) != -1;)
		switch (option) {
		case 'n': load.events = atoi(optarg); break;
		case 'w': load.warm_up = atoi(optarg); break;
		case 'k': load.kind = kind_of(optarg); break;
		case 'b': load.bytes = strtoul(optarg, NULL, 10); break;
		case 'f': load.in_flight = atoi(optarg); break;
		case 'g': load.gap = atoll(optarg) * 1000; break;
		default: usage();
		}
	if (optind < argc || load.events < 1 || load.warm_up < 0 || load.bytes < least_payload || load.in_flight < 1 ||
	    load.gap < 0 || (load.gap > 0 && load.in_flight > 1))
		usage();
	events_prepare(&load);
	pattern_prepare();
	announce();
	serve(&load);
	events_print();
	fflush(stdout);
	for (;;)
		pause();
}
