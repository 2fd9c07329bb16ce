#include "events.h"
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids look like the platform's and end in ten digits. */
#define ID_BEGINNING "00000000-0000-4000-8000-00"
enum { digits = 10, first_number = 1000000000 };

static struct load load;

struct event {
	int64_t sent, latency; /* latency is 0 until the answer is there */
};

static struct event *events;
static int total, sent, answered, wrong, failed;
static int64_t last_answer;

static void *allocate(size_t size)
{
	void *p = calloc(1, size);
	if (!p)
		die("calloc");
	return p;
}

void events_prepare(const struct load *l)
{
	load = *l;
	total = load.events + load.warm_up;
	events = allocate(total * sizeof *events);
	payload_prepare(load.kind, load.bytes);
}

int64_t events_due_at(void)
{
	return last_answer + load.gap;
}

int events_due(void)
{
	return sent < total && sent - answered < load.in_flight && (load.gap == 0 || now() >= events_due_at());
}

void events_next(char *opening, struct iovec pieces[2])
{
	char payload[payload_room];
	size_t payload_size = payload_event(sent, payload);
	pieces[1] = payload_rest();
	int size = snprintf(opening, opening_room,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Cff-Request-Id: " ID_BEGINNING "%d\r\n"
		"Content-Length: %zu\r\n\r\n%.*s", first_number + sent, payload_size + pieces[1].iov_len, (int)payload_size, payload);
	pieces[0] = (struct iovec){opening, size};
	if (sent == load.warm_up) {
		puts("warm");
		fflush(stdout);
	}
	events[sent++].sent = now();
}

static int number_of(const char *id, size_t size)
{
	size_t beginning = strlen(ID_BEGINNING);
	if (size != beginning + digits || memcmp(id, ID_BEGINNING, beginning) != 0)
		return -1;
	return atoi(id + beginning) - first_number; /* what follows the id in the head is no digit */
}

/* complain tells about the first bad answer; all others are only counted. */
static void complain(const char *what, int number, const char *body, size_t size)
{
	if (wrong + failed == 1)
		fprintf(stderr, "event %d %s: %zu bytes: %.*s\n", number, what, size, size > 300 ? 300 : (int)size, body);
}

/* settle notes the first answer to an event and returns its number; -1 for an answer that nobody waits for. */
static int settle(const char *id, size_t id_size)
{
	int64_t at = now();
	int number = number_of(id, id_size);
	if (number < 0 || number >= sent || events[number].latency > 0)
		return -1;
	events[number].latency = at - events[number].sent;
	last_answer = at;
	answered++;
	return number;
}

void events_answered(const char *id, size_t id_size, const char *body, size_t size)
{
	int number = settle(id, id_size);
	if (number >= 0 && payload_is_answer(number, body, size))
		return;
	wrong++;
	complain(number < 0 ? "was not to be answered" : "has a wrong answer", number, body, size);
}

void events_streamed(const char *id, size_t id_size, const char *fault, uint64_t size)
{
	int number = settle(id, id_size);
	if (number >= 0 && load.kind != payload_stream)
		fault = "was not to be streamed";
	else if (number >= 0 && !fault && size != load.bytes)
		fault = "has streamed an answer of the wrong size";
	else if (number < 0)
		fault = "was not to be answered";
	if (!fault)
		return;
	wrong++;
	complain(fault, number, "", size);
}

void events_failed(const char *id, size_t id_size, const char *body, size_t size)
{
	int number = settle(id, id_size);
	failed++;
	complain("has failed", number, body, size);
}

int events_over(void)
{
	return answered == total;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* percentile is in microseconds; it sorts. */
static double percentile(int64_t *values, int n, int percent)
{
	qsort(values, n, sizeof *values, ascending);
	return n == 0 ? 0 : values[(int64_t)(n - 1) * percent / 100] / 1e3;
}

void events_print(void)
{
	struct event *measured = events + load.warm_up;
	int64_t *latencies = allocate(load.events * sizeof *latencies);
	int64_t *periods = allocate(load.events * sizeof *periods);
	for (int i = 0; i < load.events; i++)
		latencies[i] = measured[i].latency;
	for (int i = 1; i < load.events; i++)
		periods[i - 1] = measured[i].sent - measured[i - 1].sent;
	double p50 = percentile(latencies, load.events, 50);
	printf("{\"events\":%d,\"p50\":%.1f,\"p99\":%.1f,\"period\":%.1f,\"rate\":%.1f,\"wrong\":%d,\"failed\":%d}\n",
		load.events, p50, percentile(latencies, load.events, 99), percentile(periods, load.events - 1, 50),
		load.events * 1e9 / (last_answer - measured[0].sent), wrong, failed);
}
