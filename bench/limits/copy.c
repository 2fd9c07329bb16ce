/* The program for pipe mode: its event comes back as it is, read to the end before anything is written. */
#include "common.h"

int main(void)
{
	struct buffer event = {0};
	while (fill(&event, 0) > 0)
		;
	write_all(1, event.data, event.end);
	return 0;
}
