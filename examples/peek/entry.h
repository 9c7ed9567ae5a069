/* SPDX-License-Identifier: ISC */
/*
 * What parent and worker say to each other.
 *
 * The parent sends one PEEK_OPEN with the archive's descriptor.  The worker
 * answers with any number of PEEK_ENTRY and one PEEK_END or PEEK_ERROR, and
 * closes its end.  All numbers are big endian, negative ones in two's
 * complement; a text is its length (n32) and its bytes.
 *
 *	PEEK_ENTRY	see entry_put()
 *	PEEK_END	n64: how many entries
 *	PEEK_ERROR	text: why the entries are not all, or not right
 */
#ifndef PEEK_ENTRY_H
#define PEEK_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include <imsg.h>

enum peek_type { PEEK_OPEN = 1, PEEK_ENTRY, PEEK_END, PEEK_ERROR };

/* Longest texts, in bytes.  An entry has to fit into MAX_IMSGSIZE. */
#define NAME_TEXT_MAX  4096
#define OWNER_TEXT_MAX 256
#define ERROR_TEXT_MAX 1024

#define ENTRY_HAS_SIZE	0x01
#define ENTRY_HAS_MTIME 0x02
#define ENTRY_HARDLINK	0x04 /* link is another name of the same file */
#define ENTRY_NAME_CUT	0x08 /* name was longer than NAME_TEXT_MAX */
#define ENTRY_LINK_CUT	0x10
#define ENTRY_NAMELESS	0x20 /* the name cannot be told in any charset */
#define ENTRY_FLAGS	0x3f

/* Bytes that belong to somebody else and need not be valid in any charset. */
struct text {
	const char *data;
	size_t len;
};

struct entry {
	struct text name;
	struct text link;
	struct text user;
	struct text group;
	int64_t uid;
	int64_t gid;
	int64_t mtime;
	uint64_t size;
	uint32_t mode;
	uint8_t kind; /* first letter of a line of ls -l, or '?' */
	uint8_t flags;
};

/*
 * The put functions append; 0, or -1 with the errno of ibuf_add().
 * The take functions consume; 0, or -1 with EBADMSG for anything that
 * a put function would not have written, as the sender may be hostile.  Texts
 * point into the buffer.
 */
int text_put(struct ibuf *, struct text);
int text_take(struct ibuf *, struct text *, size_t);
int entry_put(struct ibuf *, const struct entry *);
int entry_take(struct ibuf *, struct entry *);

#endif
