/* SPDX-License-Identifier: ISC */
/*
 * A program on sd-event(3) whose channel is in the same loop.  That loop never
 * ends by itself: the program looks whether the conversation is over.
 */
#include <stdio.h>

#include "loop-talk.h"
#include "loop-sdevent.h"

int
main(void)
{
	struct loop_sdevent loop;
	sd_event *e;
	int r = 0;

	if (sd_event_new(&e) < 0)
		return 1;
	loop_sdevent_init(&loop, e);
	if (talk_start(&loop.loop) == -1) {
		perror("talk");
		return 1;
	}
	while (r >= 0 && !talk_over())
		r = sd_event_run(e, UINT64_MAX);
	sd_event_unref(e);
	return r < 0 ? 1 : talk_result();
}
