/* SPDX-License-Identifier: ISC */
/*
 * A stream of bytes and descriptors, cut into receipts as the input wants, is
 * read by a channel and by a parser of some twenty lines: the same messages
 * have to come, once and in order, each with its descriptor, and the same
 * stream has to fail.  In between the kernel says EAGAIN, EINTR, and the
 * allocator fails.  The input is described in channel.h.
 */
#include <imsg.h>

#include "channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

const int channel_wire = IMSG_WIRE_MODERN;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	channel_run(p, n);
	return 0;
}
