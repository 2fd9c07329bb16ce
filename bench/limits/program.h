/* A process per event, as the pollers of pipe mode have it: started by posix_spawn, the event on its stdin, the result on
 * its stdout, its stderr ours. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "common.h"

struct program {
	pid_t pid;
	int event, result; /* our ends of its pipes */
};

/* program_start starts one, or ends the process. */
struct program program_start(char **command);

/* program_exchange hands it the event, closes that pipe and adds all that it answers to `result`: whatever comes first, so
 * that neither waits for the other, however large both are. */
void program_exchange(struct program *p, const char *event, size_t size, struct buffer *result);

/* program_finish waits for its end, and ends the process if it has failed. */
void program_finish(struct program *p);

#endif
