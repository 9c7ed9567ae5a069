/* SPDX-License-Identifier: ISC */
/* The attacks: what the peer does, how the victim is set up, what results. */
#include "hostile-peer.h"

#include <errno.h>

#define BOTH (MODERN | CLASSIC)
/* Since Linux 6.5 and 6.17; a libc may not have the names yet. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_INQ
#define SO_INQ 84
#endif

/* clang-format off */
#define MIB	(1024 * KIB)
#define HUGEST	0x7fffffffU
#define END(e)	{ .end = (e) }
#define FAIL(e)	{ .end = END_FAILED, .error = (e) }
#define PASS	{ .pass = 1 }
#define BAD(text, word, w, e) \
	{ "length " text, bad_length, w, word, 0, { 0 }, FAIL(e) }
#define OPTION(text, opt, val) \
	{ text ", 253 descriptors", fd_flood, BOTH, 253, 60, \
	    { .pass = 1, .option = (opt), .value = (val) }, \
	    { .end = END_EOF, .present = 60 } }

const struct attack attacks[] = {
	{ "nothing at all", quiet, BOTH, 0, 0, PASS, END(END_EOF) },

	BAD("0", 0, BOTH, ERANGE),
	BAD("1", 1, BOTH, ERANGE),
	BAD("15", 15, BOTH, ERANGE),
	BAD("16385", 16385, BOTH, ERANGE),
	BAD("0x7fffffff", 0x7fffffff, BOTH, ERANGE),
	BAD("0x80000000", 0x80000000, BOTH, ERANGE),
	BAD("0x8000000f", 0x8000000f, BOTH, ERANGE),
	BAD("0x80004001", 0x80004001, BOTH, ERANGE),
	BAD("0xffffffff", 0xffffffff, BOTH, ERANGE),
	{ "exactly maxsize, and one more", exact_size, BOTH, 0, 0, { 0 },
	    FAIL(ERANGE) },
	{ "the other generation's mark", other_generation, BOTH, 0, 0, PASS,
	    FAIL(EPROTO) },
	{ "random bytes on 32 channels", garbage, BOTH, 20260101, 0,
	    { .pass = 1, .chans = 32 },
	    { .end = END_FAILED, .some = 1 } },
	{ "type, peerid and pid lie", lies, BOTH, 0, 0, { 0 }, END(END_EOF) },
	{ "closing at every byte", close_at_every_byte, BOTH, 0, 0,
	    { .pass = 1, .chans = 57 },
	    { .end = END_TORN, .held = 65 } },

	{ "2 GiB announced, nothing sent", announce, MODERN, 0, 0,
	    { .maxsize = HUGEST }, END(END_TORN) },
	{ "2 GiB announced, 1 MiB sent", announce, MODERN, MIB, 0,
	    { .maxsize = HUGEST }, END(END_TORN) },
	{ "2 GiB announced, 330000 B sent", announce, MODERN, 330000, 0,
	    { .maxsize = HUGEST }, END(END_TORN) },
	{ "2 GiB announced on 32 channels", announce, MODERN, 100000, 0,
	    { .maxsize = HUGEST, .chans = 32 }, END(END_TORN) },
	{ "64 KiB announced on 32 channels", announce, CLASSIC, 100, 0,
	    { .maxsize = 65535, .chans = 32 }, END(END_TORN) },
	{ "4 MiB sent, then only announced", announce_after_large, MODERN,
	    4 * MIB, 2, { .maxsize = HUGEST }, END(END_TORN) },
	{ "8 MiB sent, then only announced", announce_after_large, MODERN,
	    8 * MIB, 2, { .maxsize = HUGEST }, END(END_TORN) },

	{ "empty messages", empties, BOTH, 0, 300000, { 0 }, END(END_EOF) },
	{ "empty messages, descriptors allowed", empties, BOTH, 0, 300000, PASS,
	    END(END_EOF) },
	{ "flood, 64 fetched a round", empties, BOTH, 0, 50000,
	    { .fetch = 64, .limits = { .rmsgs = 256 } }, END(END_EOF) },
	{ "flood, none fetched, 256 messages", empties, BOTH, 0, 100000,
	    { .fetch = FETCH_NONE, .limits = { .rmsgs = 256 } },
	    END(END_EOF) },
	{ "flood, none fetched, 100000 bytes", messages, BOTH, 5000, 4000,
	    { .fetch = FETCH_NONE, .limits = { .rbytes = 100000 } },
	    END(END_EOF) },
	{ "flood, none fetched, no limit set", empties, BOTH, 0, 1500000,
	    { .fetch = FETCH_NONE }, END(END_EOF) },
	{ "sizes against guessing", sizes, BOTH, 0, 400, PASS,
	    { .end = END_EOF, .present = 400 } },

	{ "byte by byte", drip, BOTH, 0, 8, PASS, END(END_EOF) },
	{ "a descriptor with each byte", drip, MODERN, 1, 8, PASS,
	    { .end = END_EOF, .present = 8 } },
	{ "a descriptor with each byte", drip, CLASSIC, 1, 8, PASS,
	    { .end = END_FAILED, .error = EPROTO, .some = 1, .held = 75 } },
	{ "a descriptor with byte 16", drip, BOTH, 2, 8, PASS,
	    { .end = END_EOF, .present = 8 } },
	{ "a descriptor with byte 1, no mark", drip, BOTH, 3, 8, PASS,
	    { .end = END_EOF, .held = 16 } },
	{ "byte by byte, imsgbuf_recv", drip, BOTH, 0, 3,
	    { .how = HOW_RECV, .pass = 1, .ms = 2 },
	    { .end = END_EOF, .timeouts = 1 } },
	{ "60000 single bytes, imsgbuf_recv", long_drip, BOTH, 0, 60000,
	    { .how = HOW_RECV, .pass = 1, .ms = 2, .maxsize = 60000 },
	    { .end = END_EOF, .timeouts = 1 } },
	{ "8 MiB, a descriptor each 4 KiB", pieces, MODERN, 4096, 8 * MIB,
	    { .pass = 1, .maxsize = 8 * MIB }, END(END_EOF) },
	{ "64 KiB, a descriptor each 4 KiB", pieces, CLASSIC, 4096, 65535,
	    { .pass = 1, .maxsize = 65535 }, { .end = END_EOF, .held = 75 } },

	{ "never reads", never_reads, BOTH, 50, 30000,
	    { .answer = ANSWER_MESSAGE, .limits = { .wbytes = 100000 } },
	    { .end = END_RESET, .dropped = 1 } },
	{ "never reads, imsgbuf_flush_timeout", never_reads, BOTH, 50, 20000,
	    { .how = HOW_FLUSH, .answer = ANSWER_MESSAGE, .ms = 20,
		.limits = { .wbytes = 400000 } },
	    { .end = END_RESET, .timeouts = 1, .some = 1 } },
	{ "reads byte by byte", slow_reader, BOTH, 1, 2000,
	    { .answer = ANSWER_MESSAGE, .option = SO_SNDBUF, .value = 1 },
	    END(END_EOF) },
	{ "closes with answers unread", close_unread, BOTH, 0, 0,
	    { .answer = ANSWER_MESSAGE }, { .end = END_RESET } },
	{ "stopped in mid-message", stopped, BOTH, 0, 3000,
	    { .answer = ANSWER_MESSAGE }, END(END_EOF) },

	{ "marks without descriptors", marks_alone, BOTH, 0, 2000, PASS,
	    { .end = END_EOF, .lost = 1000 } },
	{ "marks, descriptors not allowed", marks_alone, BOTH, 0, 2000, { 0 },
	    { .end = END_EOF, .lost = 1000 } },
	{ "descriptors without marks", fds_alone, MODERN, 0, 2000, PASS,
	    END(END_EOF) },
	{ "descriptors without marks", fds_alone, CLASSIC, 0, 2000, PASS,
	    { .end = END_FAILED, .error = EPROTO, .some = 1, .held = 75 } },
	{ "descriptors, not allowed", fds_alone, BOTH, 0, 2000, { 0 },
	    END(END_EOF) },
	{ "253 descriptors a message", fd_flood, BOTH, 253, 200, PASS,
	    { .end = END_EOF, .present = 200 } },
	{ "252 descriptors in 1 to 4 blocks", fd_flood, BOTH, 252, 200, PASS,
	    { .end = END_EOF, .present = 200 } },
	{ "253 descriptors, not allowed", fd_flood, BOTH, 253, 200, { 0 },
	    { .end = END_EOF, .lost = 200 } },
	OPTION("SO_PASSCRED", SO_PASSCRED, 1),
	OPTION("SO_PASSSEC", SO_PASSSEC, 1),
	OPTION("SO_PASSPIDFD", SO_PASSPIDFD, 1),
	OPTION("SO_TIMESTAMP", SO_TIMESTAMP, 1),
	OPTION("SO_INQ", SO_INQ, 1),
	OPTION("SO_RCVLOWAT", SO_RCVLOWAT, 65536),
	OPTION("SO_PEEK_OFF", SO_PEEK_OFF, 5),
	{ "SO_PASSPIDFD, drip", drip, BOTH, 0, 4,
	    { .pass = 1, .option = SO_PASSPIDFD, .value = 1 }, END(END_EOF) },
	{ "SO_PASSPIDFD, not allowed", drip, BOTH, 0, 4,
	    { .option = SO_PASSPIDFD, .value = 1 }, END(END_EOF) },
	{ "descriptors, none fetched, 8", fd_messages, BOTH, 40, 1000,
	    { .pass = 1, .fetch = FETCH_NONE, .limits = { .rfds = 8 } },
	    { .end = END_EOF, .present = 8, .held = 16 } },
	{ "descriptor table full", fd_flood, BOTH, 253, 200,
	    { .pass = 1, .places = 12 },
	    { .end = END_EOF, .present = 200, .held = -1 } },
	{ "table full, none fetched", fd_messages, BOTH, 40, 200,
	    { .pass = 1, .places = 20, .fetch = FETCH_NONE,
		.limits = { .rfds = 8 } },
	    { .end = END_EOF, .present = 8, .held = -1 } },
	{ "the channel's own ends", own_ends, BOTH, 0, 200,
	    { .pass = 1, .shared = 1 }, { .end = END_EOF, .present = 200 } },
	{ "own ends, none fetched", own_ends, BOTH, 0, 20,
	    { .pass = 1, .shared = 1, .fetch = FETCH_NONE },
	    { .end = END_EOF, .present = 20, .held = 30 } },
	{ "sockets in sockets' queues", cycles, BOTH, 0, 100, PASS,
	    { .end = END_EOF, .present = 1 } },
	{ "a lingering TCP socket", lingering, MODERN, 1, 0,
	    { .pass = 1, .fetch = FETCH_NONE, .limits = { .rmsgs = 1 } },
	    { .end = END_EOF, .present = 1, .stall_ms = 900 } },
	{ "lingering, not allowed", lingering, MODERN, 1, 0,
	    { .fetch = FETCH_NONE, .limits = { .rmsgs = 1 } },
	    { .end = END_EOF, .stall_ms = 900 } },
	{ "in-flight limit (ETOOMANYREFS)", in_flight, BOTH, 2, 8,
	    { .pass = 1, .answer = ANSWER_DESCRIPTOR, .places = ORDINARY - 8,
		.as_user = 1 },
	    { .end = END_EOF, .toomany = 3, .held = 20 } },

	{ "refuses descriptors (SO_PASSRIGHTS)", refuses, BOTH, 0, 50,
	    { .pass = 1, .answer = ANSWER_DESCRIPTOR },
	    { .end = END_EOF, .werror = EPERM, .held = 60 } },
	{ "packets instead of a stream", packets, BOTH, 0, 200,
	    { .pass = 1, .type = SOCK_SEQPACKET }, END(END_EOF) },

	{ "urgent bytes in between", urgent, BOTH, 0, 4, PASS, END(END_EOF) },
	{ "urgent bytes, imsgbuf_recv", urgent, BOTH, 0, 4,
	    { .how = HOW_RECV, .pass = 1, .ms = 20 }, END(END_EOF) },
	{ "urgent bytes alone", urgent_alone, BOTH, 0, 500, PASS,
	    { .end = END_ANY, .held = 75 } },
	{ "SHUT_WR, then answers are read", half_closed, BOTH, SHUT_WR, 100,
	    { .answer = ANSWER_MESSAGE }, END(END_EOF) },
	{ "SHUT_RD, messages go on", half_closed, BOTH, SHUT_RD, 100,
	    { .answer = ANSWER_MESSAGE },
	    { .end = END_EOF, .werror = EPIPE } },
	{ "our end shut by a copy of it", our_end_shut, BOTH, 0, 0,
	    { .shared = 1 }, END(END_EOF) },
	{ "O_NONBLOCK taken away", our_end_blocks, BOTH, 0, 2000,
	    { .how = HOW_NOWAIT, .answer = ANSWER_MESSAGE, .shared = 1,
		.option = SO_SNDBUF, .value = 1 }, END(END_EOF) },
	{ "bytes stolen from our end", bytes_stolen, BOTH, 0, 200,
	    { .shared = 1 }, { .end = END_ANY } },
};

const size_t nattacks = sizeof(attacks) / sizeof(attacks[0]);
