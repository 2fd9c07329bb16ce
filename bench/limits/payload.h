/*
 * What events look like, and what is the right answer to one. Every event has a running number in it, so that an answer to
 * another one is noticed. Of both texts only the opening is made anew for every event; the rest is shared.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>
#include <sys/uio.h>

enum payload_kind {
	payload_raw,   /* a JSON object; the right answer is the same text */
	payload_text,  /* an API gateway's call with that object as its body; the right answer is an envelope with it as text */
	payload_binary, /* the same, but the body is no UTF-8; the right answer has it in base64 */
	payload_stream /* a small JSON object; the right answer is streamed, and so many bytes of the pattern */
};

enum { least_payload = 64, payload_room = 64, stream_event = 1024 };

/* payload_prepare comes first; an event, or its body, or a streamed answer gets that many bytes. */
void payload_prepare(enum payload_kind kind, size_t bytes);

/* payload_event puts an event's opening into a buffer of payload_room and returns its size; payload_rest is what follows. */
size_t payload_event(int number, char *opening);
struct iovec payload_rest(void);

/* payload_is_answer tells whether an answer that was not streamed is the right one to the event with that number. An
 * envelope may have its members in any order, but no blanks before its body. */
int payload_is_answer(int number, const char *answer, size_t size);

#endif
