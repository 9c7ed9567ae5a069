/* SPDX-License-Identifier: ISC */
/*
 * The side that is asked, and what an error answer says.
 *
 * An error answer is a message of type IMSGCALL_ERROR: an int32_t in host
 * order, as the header's numbers are, then the text without a NUL.  What is
 * read comes from a peer that may be hostile.
 */
#include <errno.h>
#include <string.h>

#include "call-int.h"

#define CALL_WHY 255

int
imsgcall_answer(struct imsgloop_chan *chan, const struct imsg *request,
    uint32_t type, int fd, const void *data, size_t len)
{
	return imsgloop_compose(
	    chan, type, request->hdr.peerid, 0, fd, data, len);
}

int
imsgcall_fail(struct imsgloop_chan *chan, const struct imsg *request, int error,
    const char *why)
{
	char payload[sizeof(int32_t) + CALL_WHY];
	int32_t number = error;
	size_t len = 0;

	if (error <= 0) {
		errno = EINVAL;
		return -1;
	}
	while (why != NULL && len < CALL_WHY && why[len] != '\0')
		len++;
	memcpy(payload, &number, sizeof(number));
	if (len > 0)
		memcpy(payload + sizeof(number), why, len);
	return imsgcall_answer(
	    chan, request, IMSGCALL_ERROR, -1, payload, sizeof(number) + len);
}

int
imsgcall_error(const struct imsg *m)
{
	int32_t number;

	if (m->hdr.type != IMSGCALL_ERROR)
		return 0;
	if (m->data == NULL || m->hdr.len < IMSG_HEADER_SIZE + sizeof(number))
		return EPROTO;
	memcpy(&number, m->data, sizeof(number));
	return number > 0 ? number : EPROTO;
}

/* A byte that a terminal or a log file can be given. */
static char
call_printable(unsigned char c)
{
	return (char)(c >= ' ' && c <= '~' ? c : '?');
}

char *
imsgcall_why(const struct imsg *m, char *buf, size_t size)
{
	const unsigned char *text = NULL;
	size_t i, len = 0;

	if (size == 0)
		return buf;
	if (m->hdr.type == IMSGCALL_ERROR && m->data != NULL &&
	    m->hdr.len > IMSG_HEADER_SIZE + sizeof(int32_t)) {
		text = (const unsigned char *)m->data + sizeof(int32_t);
		len = m->hdr.len - IMSG_HEADER_SIZE - sizeof(int32_t);
	}
	if (len == 0 || text[0] == '\0') {
		text = (const unsigned char *)strerror(imsgcall_error(m));
		len = strlen((const char *)text);
	}
	for (i = 0; i < len && i < size - 1 && text[i] != '\0'; i++)
		buf[i] = call_printable(text[i]);
	buf[i] = '\0';
	return buf;
}
