/*
 * The worker for the protocol "jsonrpc": every event comes back as its result. What is in the buffer at once is answered
 * with one write.
 * usage: worker_jsonrpc [milliseconds of work an event; many may be at work at once]
 */
#define _GNU_SOURCE
#include "common.h"
#include "json.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every event takes the same time, so answers leave in the order in which their events came. */
struct job {
	struct job *next;
	int64_t due;
	size_t size;
	char answer[];
};

static struct job *first_job, **last_job = &first_job;
static struct buffer out;

static void add_job(struct buffer *answer, int64_t due)
{
	size_t size = answer->end - answer->start;
	struct job *j = malloc(sizeof *j + size);
	if (!j)
		die("malloc");
	*j = (struct job){.due = due, .size = size};
	memcpy(j->answer, answer->data + answer->start, size);
	take(answer, size);
	*last_job = j;
	last_job = &j->next;
}

static void finish_jobs(void)
{
	int64_t at = now();
	while (first_job && first_job->due <= at) {
		struct job *done = first_job;
		append(&out, done->answer, done->size);
		first_job = done->next;
		if (!first_job)
			last_job = &first_job;
		free(done);
	}
}

static void put(struct buffer *to, struct text text)
{
	append(to, text.at, text.size);
}

#define LITERAL(s) ((struct text){s, sizeof s - 1})

static void put_answer(struct buffer *to, struct text id, struct text result)
{
	put(to, LITERAL("{\"jsonrpc\":\"2.0\",\"id\":"));
	put(to, id);
	put(to, LITERAL(",\"result\":"));
	put(to, result);
	put(to, LITERAL("}\n"));
}

/* handle answers a request; notifications need no answer. */
static void handle(struct text line, int64_t work)
{
	static struct buffer answer;
	struct text method = json_member(line, "method"), id = json_member(line, "id");
	if (json_is(method, "initialize") && id.at)
		put_answer(&out, id, LITERAL("{}"));
	if (!json_is(method, "invoke") || !id.at)
		return;
	struct text event = json_member(json_member(line, "params"), "event");
	if (!event.at) {
		fprintf(stderr, "an invoke without params.event: %.*s\n", (int)line.size, line.at);
		exit(1);
	}
	put_answer(work > 0 ? &answer : &out, id, event);
	if (work > 0)
		add_job(&answer, now() + work);
}

static void flush(void)
{
	write_all(1, out.data + out.start, out.end - out.start);
	take(&out, out.end - out.start);
}

/* await waits for input, or for the first job; it returns whether there is input. */
static int await(void)
{
	struct pollfd in = {.fd = 0, .events = POLLIN};
	if (!first_job)
		return 1;
	int64_t left = first_job->due - now();
	if (left < 0)
		left = 0;
	struct timespec t = {left / 1000000000, left % 1000000000};
	return ppoll(&in, 1, &t, NULL) > 0;
}

int main(int argc, char **argv)
{
	int64_t work = argc > 1 ? atoll(argv[1]) * 1000000 : 0;
	struct buffer in = {0};
	for (;;) {
		char *line;
		size_t size;
		if (await()) {
			if (fill(&in, 0) == 0)
				return 0;
			while ((size = next_line(&in, &line)))
				handle((struct text){line, size - 1}, work);
		}
		finish_jobs();
		flush();
	}
}
