/* SPDX-License-Identifier: ISC */
/*
 * A program on libuv whose channel is in the same loop.  The loop ends by
 * itself: with the channel goes the last that it has to wait for.
 */
#include <stdio.h>

#include "loop-talk.h"
#include "loop-uv.h"

int
main(void)
{
	struct loop_uv loop;
	uv_loop_t uv;

	if (uv_loop_init(&uv) != 0)
		return 1;
	loop_uv_init(&loop, &uv);
	if (talk_start(&loop.loop) == -1) {
		perror("talk");
		return 1;
	}
	(void)uv_run(&uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&uv) != 0)
		return 1;
	return talk_result();
}
