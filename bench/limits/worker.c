/* The worker for the protocol "lines": every line comes back as it is, one write a line. */
#include "common.h"

int main(void)
{
	struct buffer in = {0};
	while (fill(&in, 0) > 0) {
		char *line;
		size_t size;
		while ((size = next_line(&in, &line)))
			write_all(1, line, size);
	}
	return 0;
}
