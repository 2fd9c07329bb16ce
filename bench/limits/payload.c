#define _GNU_SOURCE
#include "payload.h"
#include "common.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An event or body begins with this and ten digits: 15 bytes, after which base64 starts afresh. */
#define BEGINNING "{\"n\":"
#define ESCAPED_BEGINNING "{\\\"n\\\":"
#define CALL_BEGINNING "{\"body\":\""
enum { digits = 10, first_number = 1000000000, beginning_size = sizeof BEGINNING - 1 + digits };

/* What else is in a call; that much comes with each one through the gateway. */
static const char call_end[] =
	"\",\"requestContext\":{\"apiId\":\"8d1f0c52-6a3e-4a5b-9a0e-2b6d5f3c7e10\","
	"\"requestId\":\"4f0c9d2b7e6145a8b3d0c1e2f3a49586\",\"stage\":\"RELEASE\"},"
	"\"queryStringParameters\":{\"page\":\"2\",\"q\":\"caf\xc3\xa9 & bar\"},\"httpMethod\":\"POST\",\"pathParameters\":{},"
	"\"headers\":{\"x-forwarded-port\":\"443\",\"x-forwarded-for\":\"203.0.113.98\",\"accept\":\"*/*\","
	"\"host\":\"hello.example.com\",\"x-forwarded-proto\":\"https\",\"x-real-ip\":\"203.0.113.98\","
	"\"user-agent\":\"curl/8.5.0\",\"content-type\":\"application/octet-stream\",\"content-length\":\"%zu\"},"
	"\"path\":\"/hello\",\"isBase64Encoded\":true}";

static enum payload_kind kind;
static struct buffer event_rest, answer_rest;

static int is_call(void)
{
	return kind == payload_text || kind == payload_binary;
}

static size_t unread(const struct buffer *b)
{
	return b->end - b->start;
}

static size_t base64(char *to, const char *from, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = to;
	for (size_t i = 0; i < size; i += 3) {
		unsigned three = (unsigned char)from[i] << 16;
		if (i + 1 < size)
			three |= (unsigned char)from[i + 1] << 8;
		if (i + 2 < size)
			three |= (unsigned char)from[i + 2];
		*at++ = letters[three >> 18];
		*at++ = letters[three >> 12 & 63];
		*at++ = i + 1 < size ? letters[three >> 6 & 63] : '=';
		*at++ = i + 2 < size ? letters[three & 63] : '=';
	}
	return at - to;
}

static void append_base64(struct buffer *to, const char *from, size_t size)
{
	reserve(to, unread(to) + (size + 2) / 3 * 4);
	to->end += base64(to->data + to->end, from, size);
}

static void append_escaped(struct buffer *to, const char *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (from[i] == '"')
			append(to, "\\", 1);
		append(to, from + i, 1);
	}
}

/* make_rest is what follows the beginning. Its padding repeats after so odd a number of bytes that a piece that moved is
 * noticed. */
static char *make_rest(size_t size)
{
	static const char pad[] = "abcdefghijklmnopqrstuvwxyz0123456789 "; /* 37 */
	static const char middle[] = ",\"text\":\"", end[] = "\"}";
	char *rest = malloc(size);
	if (!rest)
		die("malloc");
	for (size_t i = 0; i < size; i++)
		rest[i] = kind == payload_binary ? (char)(255 - i % 127) : pad[i % (sizeof pad - 1)];
	memcpy(rest, middle, strlen(middle));
	memcpy(rest + size - strlen(end), end, strlen(end));
	return rest;
}

void payload_prepare(enum payload_kind k, size_t bytes)
{
	char end[sizeof call_end + 20];
	kind = k;
	size_t size = (kind == payload_stream ? stream_event : bytes) - beginning_size;
	char *rest = make_rest(size);
	if (!is_call()) {
		append(&event_rest, rest, size);
		append(&answer_rest, rest, size);
		free(rest);
		return;
	}
	append_base64(&event_rest, rest, size);
	append(&event_rest, end, snprintf(end, sizeof end, call_end, bytes));
	if (kind == payload_binary)
		append_base64(&answer_rest, rest, size);
	else
		append_escaped(&answer_rest, rest, size);
	append(&answer_rest, "\"", 1);
	free(rest);
}

static size_t raw_opening(int number, char *opening)
{
	return snprintf(opening, payload_room, BEGINNING "%d", first_number + number);
}

static size_t base64_opening(int number, char *opening)
{
	char raw[payload_room];
	return base64(opening, raw, raw_opening(number, raw));
}

size_t payload_event(int number, char *opening)
{
	size_t size = strlen(CALL_BEGINNING);
	if (!is_call())
		return raw_opening(number, opening);
	memcpy(opening, CALL_BEGINNING, size);
	return size + base64_opening(number, opening + size);
}

struct iovec payload_rest(void)
{
	return (struct iovec){event_rest.data, event_rest.end};
}

static size_t answer_opening(int number, char *opening)
{
	switch (kind) {
	case payload_raw:
		return raw_opening(number, opening);
	case payload_text:
		return snprintf(opening, payload_room, ESCAPED_BEGINNING "%d", first_number + number);
	default:
		return base64_opening(number, opening);
	}
}

/* skip_answer returns where the right answer ends (or its body and the closing quote), if `at` begins with that; else NULL. */
static const char *skip_answer(int number, const char *at, size_t size)
{
	char opening[payload_room];
	size_t n = answer_opening(number, opening);
	if (size < n + answer_rest.end || memcmp(at, opening, n) != 0 || memcmp(at + n, answer_rest.data, answer_rest.end) != 0)
		return NULL;
	return at + n + answer_rest.end;
}

static int is(struct text value, const char *text)
{
	return value.at && value.size == strlen(text) && memcmp(value.at, text, value.size) == 0;
}

/* is_envelope takes the body out of an envelope before it looks at the rest: to step through 6 MB of body would take
 * longer than what is measured. */
static int is_envelope(int number, const char *answer, size_t size)
{
	static const char key[] = "\"body\":\"";
	const char *end = answer + size, *body = memmem(answer, size, key, strlen(key));
	if (!body)
		return 0;
	body += strlen(key);
	const char *behind = skip_answer(number, body, end - body);
	char around[2048];
	size_t before = body - answer;
	if (!behind || before + 1 + (end - behind) > sizeof around)
		return 0;
	memcpy(around, answer, before);
	around[before] = '"';
	memcpy(around + before + 1, behind, end - behind);
	struct text envelope = {around, before + 1 + (end - behind)};
	struct text headers = json_member(envelope, "headers");
	return around[0] == '{' && around[envelope.size - 1] == '}' && headers.at && headers.at[0] == '{' &&
	       is(json_member(envelope, "statusCode"), "200") && is(json_member(envelope, "body"), "\"\"") &&
	       is(json_member(envelope, "isBase64Encoded"), kind == payload_binary ? "true" : "false");
}

int payload_is_answer(int number, const char *answer, size_t size)
{
	if (kind == payload_stream)
		return 0;
	if (kind == payload_raw)
		return skip_answer(number, answer, size) == answer + size;
	return is_envelope(number, answer, size);
}
