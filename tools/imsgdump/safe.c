/* SPDX-License-Identifier: ISC */
/*
 * Harmless text: no byte of a stranger reaches a terminal as anything but
 * printable UTF-8.
 */
#include "safe.h"

#include <string.h>

/*
 * Length of the printable UTF-8 sequence at p, 0 if there is none: RFC 3629,
 * without control characters (C0, DEL, C1), the marks that turn the direction
 * of writing (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, U+061C), the
 * separators U+2028 and U+2029, and U+FEFF.
 */
static size_t
printable(const unsigned char *p, size_t len)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned long c;
	size_t i, n;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '\\';
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	c = p[0] & (0xffU >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0xa0 || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c & 0xfffe) == 0xfffe || c >= 0xe0000)
		return 0;
	return n;
}

/* The form of what begins at p: how much was read, and how much is in out. */
static size_t
one(const unsigned char *p, size_t len, char out[5], size_t *outlen)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = printable(p, len);

	if (n > 0) {
		memcpy(out, p, n);
		*outlen = n;
		return n;
	}
	out[0] = out[1] = '\\';
	*outlen = 2;
	if (p[0] != '\\') {
		out[1] = 'x';
		out[2] = hex[p[0] >> 4];
		out[3] = hex[p[0] & 15];
		*outlen = 4;
	}
	return 1;
}

void
safe_text(char *out, size_t size, const void *in, size_t len)
{
	const unsigned char *p = in;
	size_t n, used = 0;
	char form[5];

	if (size == 0)
		return;
	while (len > 0) {
		size_t read = one(p, len, form, &n);

		if (n >= size - used)
			break;
		memcpy(out + used, form, n);
		used += n;
		p += read;
		len -= read;
	}
	out[used] = '\0';
}

void
safe_print(FILE *f, const void *in, size_t len)
{
	const unsigned char *p = in;
	size_t n, read;
	char form[5];

	for (; len > 0; p += read, len -= read) {
		read = one(p, len, form, &n);
		(void)fwrite(form, 1, n, f);
	}
}
