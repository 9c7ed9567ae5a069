/* SPDX-License-Identifier: ISC */
/*
 * The words of a filter expression.
 */
#include "filter-int.h"

#include <ctype.h>
#include <string.h>

static const struct {
	char text[4];
	enum token_kind kind;
	enum compare cmp;
	int negate;
} signs[] = {
	/* The longer one of two that begin alike comes first. */
	{ "&&", TOKEN_AND, CMP_EQ, 0 },
	{ "||", TOKEN_OR, CMP_EQ, 0 },
	{ "==", TOKEN_COMPARE, CMP_EQ, 0 },
	{ "=", TOKEN_COMPARE, CMP_EQ, 0 },
	{ "!=", TOKEN_COMPARE, CMP_NE, 0 },
	{ "!~", TOKEN_COMPARE, CMP_LIKE, 1 },
	{ "<=", TOKEN_COMPARE, CMP_LE, 0 },
	{ "<", TOKEN_COMPARE, CMP_LT, 0 },
	{ ">=", TOKEN_COMPARE, CMP_GE, 0 },
	{ ">", TOKEN_COMPARE, CMP_GT, 0 },
	{ "~", TOKEN_COMPARE, CMP_LIKE, 0 },
	{ "!", TOKEN_NOT, CMP_EQ, 0 },
	{ "(", TOKEN_OPEN, CMP_EQ, 0 },
	{ ")", TOKEN_CLOSE, CMP_EQ, 0 },
};

static int
is(const struct token *t, const char *word)
{
	return t->len == strlen(word) && memcmp(t->text, word, t->len) == 0;
}

static void
quoted(const char **p, struct token *t)
{
	const char *end = strchr(*p + 1, **p);

	if (end == NULL) {
		t->kind = TOKEN_BAD;
		return;
	}
	t->kind = TOKEN_WORD;
	t->quoted = 1;
	t->text = *p + 1;
	t->len = (size_t)(end - t->text);
	*p = end + 1;
}

static void
word(const char **p, struct token *t)
{
	t->text = *p;
	t->len = strcspn(*p, " \t\r\n()!=<>~&|\"'");
	*p += t->len;
	if (t->len == 0)
		t->kind = TOKEN_BAD;
	else if (is(t, "and"))
		t->kind = TOKEN_AND;
	else if (is(t, "or"))
		t->kind = TOKEN_OR;
	else if (is(t, "not"))
		t->kind = TOKEN_NOT;
	else
		t->kind = TOKEN_WORD;
}

void
filter_token(const char **p, struct token *t)
{
	size_t i, n;

	memset(t, 0, sizeof(*t));
	*p += strspn(*p, " \t\r\n");
	t->at = *p;
	if (**p == '\0')
		return;
	if (**p == '"' || **p == '\'') {
		quoted(p, t);
		return;
	}
	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		n = strlen(signs[i].text);
		if (strncmp(*p, signs[i].text, n) != 0)
			continue;
		t->kind = signs[i].kind;
		t->cmp = signs[i].cmp;
		t->negate = signs[i].negate;
		*p += n;
		return;
	}
	word(p, t);
}

int
filter_number(const struct token *t, int64_t *number)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = t->text, *end = p + t->len, *d;
	int64_t n = 0;
	int base = 10, minus;

	if (t->quoted)
		return -1;
	minus = p < end && *p == '-';
	p += minus;
	if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	if (p == end)
		return -1;
	for (; p < end; p++) {
		d = memchr(digits, tolower((unsigned char)*p), (size_t)base);
		/* Every field is smaller than that. */
		if (d == NULL || n > INT64_MAX / 32)
			return -1;
		n = n * base + (d - digits);
	}
	*number = minus ? -n : n;
	return 0;
}
