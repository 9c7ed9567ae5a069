/* SPDX-License-Identifier: ISC */
/*
 * A process and its peers: messages and descriptors by name, peers that go and
 * come, reload, and an end at which nothing queued is lost.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <imsg_call.h>

#define FRONT  1 /* in the table */
#define WORKER 2

/* A front, and what it has channels to: us as its peers. */
struct scene {
	struct born front;
	struct born worker[2];
};

static void
begin(struct scene *s, int workers)
{
	const struct birth b = { .who = "front.0" };
	int i;

	memset(s, 0, sizeof(*s));
	bear(&s->front, &b);
	for (i = 0; i < workers; i++)
		talk_on(
		    &s->worker[i], say_peer(&s->front, WORKER, (uint32_t)i));
	say(&s->front, IMSGPROC_BEGIN, -1, NULL, 0);
	hear_front(&s->front, workers);
}

static void
exits_with(struct born *c, int status)
{
	int r = reap(c);

	assert_true(WIFEXITED(r));
	assert_int_equal(WEXITSTATUS(r), status);
}

static void
stop(struct scene *s, int workers)
{
	struct imsg m;
	int i;

	say(&s->front, IMSGPROC_STOP, -1, NULL, 0);
	assert_string_equal(hear_text(&s->front, T_REPORT), "stop");
	assert_int_equal(imsgbuf_recv(&s->front.ib, &m, PATIENCE_MS), 0);
	for (i = 0; i < workers; i++) {
		assert_int_equal(
		    imsgbuf_recv(&s->worker[i].ib, &m, PATIENCE_MS), 0);
		hang_up(&s->worker[i]);
	}
	exits_with(&s->front, 0);
}

static void
is_null_device(struct imsg *m)
{
	struct stat st, null;
	int fd = imsg_get_fd(m);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(stat("/dev/null", &null), 0);
	assert_int_equal(st.st_rdev, null.st_rdev);
	(void)close(fd);
}

static int
null_device(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void
talks_to_its_peers(void **state)
{
	struct scene s;
	struct imsg m;
	int i;

	(void)state;
	begin(&s, 2);
	for (i = 0; i < 2; i++) {
		say_text(&s.worker[i], T_ECHO, i == 0 ? "null" : "one");
		assert_string_equal(
		    hear_text(&s.worker[i], T_ECHO), i == 0 ? "null" : "one");
	}
	say_text(&s.worker[1], T_FORWARD, "for the parent");
	assert_string_equal(hear_text(&s.front, T_FORWARD), "for the parent");
	say(&s.worker[0], T_FORWARD, null_device(), "fd", 2);
	hear(&s.front, T_FORWARD, &m);
	assert_int_equal(imsg_get_len(&m), 2);
	is_null_device(&m);
	imsg_free(&m);
	stop(&s, 2);
}

/* Not one of the library's to keep the others: a program may ask by hand. */
static void
an_error_answer_is_a_message(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 1);
	say(&s.worker[0], IMSGCALL_ERROR, -1, NULL, 0);
	say(&s.front, IMSGCALL_ERROR, -1, NULL, 0);
	say_text(&s.worker[0], T_ECHO, "still there");
	assert_string_equal(hear_text(&s.worker[0], T_ECHO), "still there");
	stop(&s, 1);
}

/* Each gets a descriptor of its own, and the front keeps none. */
static void
sends_to_all(void **state)
{
	struct scene s;
	struct imsg m;
	int i, turn;

	(void)state;
	begin(&s, 2);
	for (turn = 0; turn < 3; turn++) {
		say(&s.front, T_ALL, null_device(), NULL, 0);
		for (i = 0; i < 2; i++) {
			hear(&s.worker[i], T_ALL, &m);
			assert_int_equal(m.hdr.peerid, 5);
			is_null_device(&m);
			imsg_free(&m);
		}
	}
	if (is_root())
		opens(s.front.pid, "0 1 2 3 4 5");
	stop(&s, 2);
}

static void
errors_are_as_documented(void **state)
{
	struct birth b = { .who = "front.0" };
	struct born c;
	int out;

	(void)state;
	b.err = err_pipe(&out);
	bear(&c, &b);
	c.out = out;
	(void)close(b.err);
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear_front(&c, 0);
	say(&c, T_CALLS, -1, NULL, 0);
	assert_string_equal(hear_text(&c, T_REPORT), "");
	say(&c, IMSGPROC_STOP, -1, NULL, 0);
	assert_string_equal(hear_text(&c, T_REPORT), "stop");
	exits_with(&c, 0);
	/* Once each, however often they are asked for. */
	assert_string_equal(errors_of(&c),
	    "test: front: no channel to nobody in the table\n"
	    "test: front: no channel to plain in the table\n");
}

static void
peers_go_and_come(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 2);
	hang_up(&s.worker[1]);
	assert_string_equal(hear_text(&s.front, T_PEER), "worker 1 0");
	talk_on(&s.worker[1], say_peer(&s.front, WORKER, 1));
	assert_string_equal(hear_text(&s.front, T_PEER), "worker 1 1");
	say_text(&s.worker[1], T_ECHO, "again");
	assert_string_equal(hear_text(&s.worker[1], T_ECHO), "again");
	say_text(&s.worker[0], T_ECHO, "the other");
	assert_string_equal(hear_text(&s.worker[0], T_ECHO), "the other");
	if (is_root())
		opens(s.front.pid, "0 1 2 3 4 5");
	stop(&s, 2);
}

/* What a peer sent before it died is seen before the new one's. */
static struct scene lasting;

static void
last_words_come_first(void **state)
{
	struct scene *s = &lasting;
	struct born *w = &s->worker[0];
	char word[16];
	int i;

	(void)state;
	begin(s, 1);
	/* Both are there when it wakes up. */
	assert_int_equal(kill(s->front.pid, SIGSTOP), 0);
	for (i = 0; i < 500; i++) {
		(void)snprintf(word, sizeof(word), "old %d", i);
		assert_int_equal(imsg_compose(&w->ib, T_FORWARD, 0, 0, -1, word,
				     strlen(word)),
		    1);
	}
	assert_int_equal(imsgbuf_flush_timeout(&w->ib, PATIENCE_MS), 0);
	hang_up(w);
	talk_on(w, say_peer(&s->front, WORKER, 0));
	say_text(w, T_FORWARD, "new");
	assert_int_equal(kill(s->front.pid, SIGCONT), 0);
	for (i = 0; i < 500; i++) {
		(void)snprintf(word, sizeof(word), "old %d", i);
		assert_string_equal(hear_text(&s->front, T_FORWARD), word);
	}
	assert_string_equal(hear_text(&s->front, T_PEER), "worker 0 0");
	assert_string_equal(hear_text(&s->front, T_PEER), "worker 0 1");
	assert_string_equal(hear_text(&s->front, T_FORWARD), "new");
}

/* Somebody else holds the end of the one that died: not for ever. */
static void
old_channel_is_given_up(void **state)
{
	struct born *old, *now, lost;
	struct scene s;
	struct imsg m;

	(void)state;
	begin(&s, 1);
	old = &s.worker[0];
	now = &s.worker[1];
	talk_on(&lost, say_peer(&s.front, WORKER, 0));
	talk_on(now, say_peer(&s.front, WORKER, 0));
	/* One that waited and is out of date is closed. */
	assert_int_equal(imsgbuf_recv(&lost.ib, &m, PATIENCE_MS), 0);
	say_text(now, T_FORWARD, "new");
	say_text(old, T_FORWARD, "still here");
	assert_string_equal(hear_text(&s.front, T_FORWARD), "still here");
	assert_string_equal(hear_text(&s.front, T_PEER), "worker 0 0");
	assert_string_equal(hear_text(&s.front, T_PEER), "worker 0 1");
	assert_string_equal(hear_text(&s.front, T_FORWARD), "new");
	hang_up(&lost);
	stop(&s, 2);
	/* Where the old one ended by itself the new one stays. */
	say_text(&lasting.worker[0], T_ECHO, "and on");
	assert_string_equal(hear_text(&lasting.worker[0], T_ECHO), "and on");
	stop(&lasting, 1);
}

static void
reloads(void **state)
{
	struct scene s;
	struct imsg m;
	int i;

	(void)state;
	begin(&s, 1);
	for (i = 0; i < 3; i++) {
		say(&s.front, IMSGPROC_RELOAD, -1, NULL, 0);
		assert_string_equal(hear_text(&s.front, T_REPORT), "reload");
		hear(&s.front, IMSGPROC_RELOADED, &m);
		imsg_free(&m);
	}
	stop(&s, 1);
}

/* More than a socket holds is queued when it is told to stop. */
static void
loses_nothing_at_the_end(void **state)
{
	const uint32_t n = 500;
	struct scene s;
	struct imsg m;
	uint32_t i;

	(void)state;
	begin(&s, 1);
	say(&s.front, T_FLOOD, -1, &n, sizeof(n));
	say(&s.front, IMSGPROC_STOP, -1, NULL, 0);
	assert_string_equal(hear_text(&s.front, T_REPORT), "stop");
	assert_int_equal(waitpid(s.front.pid, NULL, WNOHANG), 0);
	for (i = 0; i < n; i++) {
		hear(&s.worker[0], T_ECHO, &m);
		assert_int_equal(m.hdr.peerid, i);
		imsg_free(&m);
	}
	assert_int_equal(imsgbuf_recv(&s.worker[0].ib, &m, PATIENCE_MS), 0);
	hang_up(&s.worker[0]);
	exits_with(&s.front, 0);
}

static void
stops_by_itself(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	say(&s.front, T_EXIT, -1, NULL, 0);
	assert_string_equal(hear_text(&s.front, T_REPORT), "stop");
	exits_with(&s.front, 3);
}

/* The sandbox lets it do what the library itself has to do later. */
static void
lives_in_its_sandbox(void **state)
{
	struct born c;
	struct imsg m;

	(void)state;
	bear_ready(&c, "busy.0");
	say_text(&c, T_ECHO, "within");
	assert_string_equal(hear_text(&c, T_ECHO), "within");
	say(&c, T_ECHO, null_device(), NULL, 0);
	hear(&c, T_ECHO, &m);
	is_null_device(&m);
	imsg_free(&m);
	say(&c, IMSGPROC_RELOAD, -1, NULL, 0);
	hear(&c, IMSGPROC_RELOADED, &m);
	imsg_free(&m);
	say(&c, IMSGPROC_STOP, -1, NULL, 0);
	exits_with(&c, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks_to_its_peers),
		cmocka_unit_test(an_error_answer_is_a_message),
		cmocka_unit_test(sends_to_all),
		cmocka_unit_test(errors_are_as_documented),
		cmocka_unit_test(peers_go_and_come),
		cmocka_unit_test(last_words_come_first),
		cmocka_unit_test(old_channel_is_given_up),
		cmocka_unit_test(reloads),
		cmocka_unit_test(loses_nothing_at_the_end),
		cmocka_unit_test(stops_by_itself),
		cmocka_unit_test(lives_in_its_sandbox),
	};

	imsgproc_init(argc, argv, &test_daemon);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
