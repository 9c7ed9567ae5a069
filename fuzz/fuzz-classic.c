/* SPDX-License-Identifier: ISC */
/*
 * As fuzz-wire.c, on the wire of OpenBSD up to 7.6: descriptors wait in a
 * queue for headers that announce one, and headers of the modern wire among
 * the others have to be recognised.
 */
#include <imsg.h>

#include "channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

const int channel_wire = IMSG_WIRE_CLASSIC;

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	channel_run(p, n);
	return 0;
}
