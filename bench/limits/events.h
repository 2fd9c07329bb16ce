/* The events of a run: when each is sent, when it is answered, and how many of the answers are right. */
#ifndef EVENTS_H
#define EVENTS_H

#include "payload.h"

#include <stdint.h>

enum { opening_room = 512 };

struct load {
	int events, warm_up; /* to measure, and to send before that */
	enum payload_kind kind;
	size_t bytes;
	int in_flight;
	int64_t gap; /* nanoseconds from an answer to the next event */
};

void events_prepare(const struct load *load);

/* events_due tells whether the next event may go out, or, with a gap, from when on. */
int events_due(void);
int64_t events_due_at(void);

/* events_next makes the next event's HTTP message: an opening, put into a buffer of opening_room, and a rest that is shared.
 * It says so if that is the first one to measure. */
void events_next(char *opening, struct iovec pieces[2]);

/* events_answered takes the answer to the event with that id; events_failed an error report. */
void events_answered(const char *id, size_t id_size, const char *body, size_t size);
void events_failed(const char *id, size_t id_size, const char *body, size_t size);

/* events_streamed takes an answer that came in a chunked body, of which the pattern has been compared: so many bytes, with
 * that fault or NULL. */
void events_streamed(const char *id, size_t id_size, const char *fault, uint64_t size);

/* events_over tells whether all answers are there; events_print writes the line of results. */
int events_over(void);
void events_print(void);

#endif
