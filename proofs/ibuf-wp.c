/* SPDX-License-Identifier: ISC */
/*
 * What WP reads: the contracts, a table of system calls that names the
 * functions with contracts, and the ibuf room with its annotations, from
 * copies that proofs/frama-c makes.
 */
#include "feature.h"
#include "frama-c.h"
#include "ibuf-contracts.h"

const struct imsgi_os imsgi_os = {
	.alloc = proof_alloc,
	.calloc = proof_calloc,
};

#include "annotated-ibuf.c"
#include "annotated-ibuf-add.c"
#include "annotated-ibuf-get.c"
