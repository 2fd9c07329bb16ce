#include "json.h"

#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* skip_string begins behind the opening quote and ends behind the closing one. */
static const char *skip_string(const char *p, const char *end)
{
	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return p < end ? p + 1 : end;
}

/* skip_value ends at the comma, colon or closing bracket that follows the value. */
static const char *skip_value(const char *p, const char *end)
{
	for (int depth = 0; p < end;) {
		char c = *p;
		if (depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']'))
			return p;
		p++;
		if (c == '"')
			p = skip_string(p, end);
		else if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
	}
	return end;
}

/* next_value takes a value off p, without the space around it. */
static struct text next_value(const char **p, const char *end)
{
	struct text value = {.at = skip_space(*p, end)};
	*p = skip_value(value.at, end);
	const char *last = *p;
	while (last > value.at && skip_space(last - 1, last) == last)
		last--;
	value.size = last - value.at;
	return value;
}

int json_is(struct text value, const char *string)
{
	size_t size = strlen(string);
	return value.at && value.size == size + 2 && value.at[0] == '"' && memcmp(value.at + 1, string, size) == 0;
}

struct text json_member(struct text object, const char *key)
{
	const char *end = object.at + object.size, *p = skip_space(object.at, end);
	while (p < end && ++p < end && *p != '}') { /* over the opening brace or a comma */
		struct text name = next_value(&p, end);
		if (p == end || *p != ':')
			break;
		p++;
		struct text value = next_value(&p, end);
		if (json_is(name, key))
			return value;
	}
	return (struct text){0};
}
