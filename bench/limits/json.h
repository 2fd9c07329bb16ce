/* Just enough JSON to take a message apart: text stays as it stands, and is taken for valid. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

struct text {
	const char *at;
	size_t size;
};

/* json_member finds the value of a key in an object; without one, .at is NULL. */
struct text json_member(struct text object, const char *key);

/* json_is tells whether a value is the string with that text between its quotes. */
int json_is(struct text value, const char *string);

#endif
