/* SPDX-License-Identifier: ISC */
/*
 * What is not imsg is never shown as a message, however much of it comes and
 * whatever it looks like; and it is given up.
 */
#include "stream-lib.h"

#define MAX   ((size_t)64 << 20)
#define TIMES 400

/* A call as words in the order of this machine, or as text. */
struct call {
	const char *text;
	size_t len; /* 0: of the words */
	uint32_t w[14];
	size_t n;
};

#define TEXT(s)                            \
	{                                  \
		s, sizeof(s) - 1, { 0 }, 0 \
	}
#define END                       \
	{                         \
		NULL, 0, { 0 }, 0 \
	}

static const struct protocol {
	const char *name;
	struct call calls[8];
} protocols[] = {
	{ "Wayland, requests",
	    {
		/* get_registry and sync, bind, attach damage commit */
		{ NULL, 0, { 1, 0x000c0001, 2, 1, 0x000c0000, 3 }, 6 },
		{ NULL, 0,
		    { 2, 0x002c0000, 1, 14, 0x635f6c77, 0x6f706d6f, 0x6f746973,
			0x72, 5, 4, 1 },
		    11 },
		{ NULL, 0,
		    { 9, 0x00140001, 12, 0, 0, 9, 0x00180002, 0, 0, 640, 480, 9,
			0x00080006 },
		    13 },
		{ NULL, 0, { 3, 0x00100000, 17, 4096 }, 4 },
		{ NULL, 0, { 9, 0x00080006 }, 2 },
		END,
	    } },
	{ "Wayland, events",
	    {
		{ NULL, 0,
		    { 2, 0x00200000, 1, 7, 0x735f6c77, 0x6d68, 1, 3, 0x000c0000,
			44, 1, 0x000c0001, 3 },
		    13 },
		{ NULL, 0, { 8, 0x00180003, 91, 8012, 30, 1 }, 6 },
		{ NULL, 0, { 3, 0x000c0000, 45 }, 3 },
		END,
	    } },
	{ "D-Bus",
	    {
		TEXT("\0AUTH EXTERNAL 31303030\r\n"),
		TEXT("NEGOTIATE_UNIX_FD\r\n"),
		TEXT("BEGIN\r\n"),
		TEXT("l\1\0\1\0\0\0\0\1\0\0\0\x6d\0\0\0\1\1o\0\x15\0\0\0"
		     "/org/freedesktop/DBus\0\0\0\3\1s\0\5\0\0\0Hello\0\0\0"
		     "\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
		     "\6\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"),
		TEXT("l\2\1\1\x20\0\0\0\2\0\0\0\x18\0\0\0\5\1u\0\1\0\0\0"
		     "\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
		     "\x10\0\0\0\3\0\0\0:1.5\0"),
		TEXT("l\1\0\1\x10\0\0\0\3\0\0\0\x10\0\0\0\5\1u\0\1\0\0\0"
		     "\6\1s\0\4\0\0\0:1.5\0\0\0\0"),
		END,
	    } },
	{ "X11, requests",
	    {
		TEXT("l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0"
		     "\x8a\x01\x55\x39\x11\x27\x90\x4e\x5c\x20\xaa\x0b\x17\xfe"
		     "\x31\x02"),
		TEXT("\x10\0\7\0\x13\0\0\0_NET_WM_WINDOW_TYPE\0"),
		TEXT("\x10\1\6\0\x10\0\0\0_NET_WM_STATE_UP"),
		TEXT("\x2b\0\1\0"),
		TEXT("\1\0\x08\0\2\0\x20\0\x1c\1\0\0\0\0\0\0\x10\0\x10\0\0\0"
		     "\1\0\x20\0\0\0\0\0\0\0"),
		TEXT("\x14\0\6\0\x1c\1\0\0\x27\0\0\0\0\0\0\0\0\0\0\0\xff\xff"
		     "\xff\xff"),
		TEXT("\x62\0\5\0\x0c\0\0\0BIG-REQUESTS"),
		END,
	    } },
	{ "X11, replies",
	    {
		{ NULL, 0, { 0x00010001, 0, 0x1e4, 0, 0, 0, 0, 0 }, 8 },
		{ NULL, 0, { 0x00020801, 5, 31, 0, 20, 0, 0, 0, 1, 2, 3, 4, 5 },
		    13 },
		{ NULL, 0, { 0x00030001, 16, 31, 0, 20, 0, 0, 0 }, 8 },
		{ NULL, 0, { 0x00030016, 0x11c, 0x20002, 0, 4, 0, 0, 0 }, 8 },
		END,
	    } },
	{ "HTTP",
	    {
		TEXT("GET /v1.41/containers/json HTTP/1.1\r\nHost: docker\r\n"
		     "User-Agent: Docker-Client/20.10\r\n\r\n"),
		TEXT("POST /v1.41/x HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
		END,
	    } },
	{ "TLS",
	    {
		TEXT("\x16\3\1\0\x2f\1\0\0\x2b\3\3\x12\x34\x56\x78\x9a\xbc\xde"
		     "\xf0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
		     "\x11\x12\x13\x14\x15\x16\x17\0\0\2\x13\1\1\0"),
		TEXT("\x17\3\3\0\x13\x8a\x01\x55\x39\x11\x27\x90\x4e\x5c\x20"
		     "\xaa\x0b\x17\xfe\x31\2\3\4\5"),
		END,
	    } },
	{ "syslog",
	    {
		TEXT("<13>Nov 26 03:22:34 root: hello"),
		TEXT("<86>Nov 26 03:22:35 sshd[4711]: Accepted publickey"),
		END,
	    } },
	{ "JSON",
	    {
		TEXT(
		    "{\"method\":\"io.systemd.UserDatabase.GetUserRecord\"}\0"),
		TEXT("{}"),
		TEXT("\n"),
		END,
	    } },
	{ "length in network order, then data",
	    {
		TEXT("\0\0\0\1\x0b"),
		TEXT("\0\0\0\x10hello, world!!!!"),
		TEXT("\0\0\0\x10\0\0\0\x10\0\0\0\x10\0\0\0\x10\0\0\0\x10"),
		END,
	    } },
	{ "length in host order, then data",
	    {
		{ NULL, 0, { 4, 16 }, 2 },
		{ NULL, 0, { 16, 0x6c6c6568, 0x6f2c206f, 0x21212121, 16 }, 5 },
		{ NULL, 0, { 12, 16, 16, 16 }, 4 },
		END,
	    } },
	{ "type, length of the payload, then data",
	    {
		{ NULL, 0, { 1, 16, 1, 2, 3, 4 }, 6 },
		{ NULL, 0, { 2, 8, 1, 2 }, 4 },
		{ NULL, 0, { 3, 0 }, 2 },
		{ NULL, 0, { 3, 20, 1, 2, 3, 4, 5 }, 7 },
		END,
	    } },
	{ "type and total length, then text",
	    {
		{ NULL, 0, { 1, 16, 0x6c6c6568, 0x6f2c206f }, 4 },
		{ NULL, 0, { 1, 20, 0x6c6c6568, 0x6f2c206f, 0x21 }, 5 },
		END,
	    } },
	{ "magic, length and zeros",
	    {
		{ NULL, 0, { 0x6b696e64, 16, 0, 0 }, 4 },
		{ NULL, 0, { 0x6b696e64, 24, 0, 0, 1, 2 }, 6 },
		END,
	    } },
	{ "PipeWire",
	    {
		{ NULL, 0, { 0, 0x01000018, 0, 0, 16, 14, 4, 4, 3, 0 }, 10 },
		{ NULL, 0, { 1, 0x02000020, 1, 0, 24, 14, 16, 8, 1, 2, 3, 4 },
		    12 },
		{ NULL, 0, { 0, 0x00000020, 2, 0, 24, 14, 8, 18, 1, 0, 4, 4 },
		    12 },
		END,
	    } },
	{ "PulseAudio",
	    {
		TEXT("\0\0\0\x14\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0"),
		TEXT("L\0\0\0\x08L\0\0\0\0L\x80\0\0 x\0\0\1\0"),
		END,
	    } },
	{ "zeros",
	    {
		TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		TEXT("\0"),
		END,
	    } },
	{ "ones",
	    {
		TEXT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		     "\xff\xff"),
		END,
	    } },
	{ "single bytes", { TEXT("x"), TEXT("\n"), TEXT("\1"), END } },
};

static void
talk(struct told *t, const struct protocol *p, int joined)
{
	struct wire w = { 0 };
	const struct call *c;
	int i;

	for (i = 0; i < TIMES; i++)
		for (c = p->calls; c->len > 0 || c->n > 0; c++) {
			if (!joined)
				w.len = 0;
			if (c->len > 0)
				w_add(&w, c->text, c->len);
			else
				w_add(&w, c->w, 4 * c->n);
			if (!joined || w.len > 6000) {
				t_call(t, w.p, w.len, ME, i, (size_t)i % 2);
				w.len = 0;
			}
		}
	if (w.len > 0)
		t_call(t, w.p, w.len, ME, -1, 0);
	w_free(&w);
}

static void
other_protocols_are_never_shown(void **state)
{
	const uint32_t max[] = { 16384, 1 << 20, 1 << 24, INT32_MAX };
	struct told t;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		for (k = 0; k < 8; k++) {
			t_start(&t, MAX, max[k / 2]);
			talk(&t, &protocols[i], k % 2);
			if (t.messages > 0 || (k % 2 == 0 && t.notes != 1))
				fail_msg("%s: %zu messages, %zu notes",
				    protocols[i].name, t.messages, t.notes);
			if (k % 2 == 0)
				assert_true(stream_dead(t.s));
			stream_end(t.s, 2);
			if (t.messages > 0 || t.notes != 1)
				fail_msg(
				    "%s: in the end %zu messages, %zu notes",
				    protocols[i].name, t.messages, t.notes);
			t_noted(&t, "not imsg");
			assert_false(stream_is_imsg(t.s));
			t_stop(&t);
		}
}

static void
random_bytes_are_never_shown(void **state)
{
	unsigned char p[4096];
	struct told t;
	size_t len, i, k;

	(void)state;
	print_message("seed 11\n");
	t_seed(11);
	for (k = 0; k < 2000; k++) {
		t_start(&t, MAX, 1 << 24);
		while (!stream_dead(t.s)) {
			len = t_rand() % (k % 2 ? 64 : sizeof(p)) + 1;
			for (i = 0; i < len; i++)
				p[i] = (unsigned char)t_rand();
			t_call(&t, p, len, ME, 1, t_rand() % 3);
			assert_int_equal(t.messages, 0);
		}
		assert_int_equal(t.notes, 1);
		t_stop(&t);
	}
}

/* It begins as imsg, and then somebody talks HTTP, Wayland, ... */
static void
another_protocol_behind_imsg_is_given_up(void **state)
{
	struct wire w = { 0 };
	struct told t;
	size_t i;

	(void)state;
	w_msg(&w, IMSG_WIRE_MODERN, 1, ME, -1, 30);
	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		/* A type, the right length, and more: who could tell? */
		if (strstr(protocols[i].name, "otal length") != NULL ||
		    strstr(protocols[i].name, "host order") != NULL ||
		    strstr(protocols[i].name, "magic") != NULL)
			continue;
		t_start(&t, MAX, 1 << 24);
		t_call(&t, w.p, w.len, ME, -1, 0);
		talk(&t, &protocols[i], 0);
		if (t.messages != 1 || !stream_dead(t.s))
			fail_msg(
			    "%s: %zu messages", protocols[i].name, t.messages);
		assert_in_range(t.notes, 1, 4);
		t_stop(&t);
	}
	w_free(&w);
}

/* And the other way: a greeting in text, then imsg. */
static void
imsg_behind_a_greeting_is_found(void **state)
{
	struct wire w = { 0 };
	struct told t;
	int i;

	(void)state;
	w_msg(&w, IMSG_WIRE_CLASSIC, 1, 0, -1, 30);
	w_msg(&w, IMSG_WIRE_CLASSIC, 2, 0, 6, 30);
	t_start(&t, MAX, 1 << 24);
	for (i = 0; i < 10; i++)
		t_call(&t, "hello, this is a greeting\n", 26, ME, -1, 0);
	assert_int_equal(t.notes, 1);
	t_noted(&t, "not imsg");
	t_call(&t, w.p, w.len, ME, 6, 1);
	t_noted(&t, "260 bytes before this skipped");
	t_all(&t, &w);
	t_stop(&t);
	w_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_protocols_are_never_shown),
		cmocka_unit_test(random_bytes_are_never_shown),
		cmocka_unit_test(another_protocol_behind_imsg_is_given_up),
		cmocka_unit_test(imsg_behind_a_greeting_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
