/*
 * The reference for the loop: one poller that answers every event with itself.
 * usage: RUNTIME_API_ADDR=host:port poller_null
 */
#include "runtime_api.h"

int main(void)
{
	struct api api = api_dial();
	for (;;) {
		struct message event = api_next(&api);
		api_respond(&api, &event, event.body, event.body_size);
	}
}
