/* How a piece of a streamed result gets to the platform; there is one way in piece_copy.c and one in piece_splice.c. */
#ifndef PIECE_H
#define PIECE_H

#include "runtime_api.h"

enum { piece_size = 1 << 20 }; /* the most that is moved at once, and the most that an ordinary user's pipe holds */

/* piece_move waits until there is something in a pipe or connection and makes a chunk of it; of a connection, of no more than
 * `most` bytes. It returns its size; 0 at the end. */
size_t piece_move(struct api *a, int from, size_t most);

#endif
