/* SPDX-License-Identifier: ISC */
/*
 * Calls to another process, which knows nothing of imsg_call and runs at the
 * same time: blocking calls that have to read and write at once, floods, death.
 */
#define _DEFAULT_SOURCE
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "call-pair.h"

/* What the peer is asked for, by the type of the request. */
enum wish { ECHO, REFUSE, FLOOD, LARGE_FLOOD, DIE, DIE_LATER, SLOWLY, MUTE };

#define MIB (1U << 20)

static char block[MIB];

static int
say(struct imsgbuf *b, uint32_t type, uint32_t peerid, const void *data,
    size_t len)
{
	return imsg_compose(b, type, peerid, 0, -1, data, len) == 1 &&
	    imsgbuf_flush(b) == 0;
}

/* Each byte alone. */
static void
answer_slowly(struct imsgbuf *b, uint32_t peerid)
{
	char whole[IMSG_HEADER_SIZE + 200] = { 0 };
	struct imsg_hdr hdr = { 2, sizeof(whole), 0, 0 };
	size_t i;

	hdr.peerid = peerid;
	memcpy(whole, &hdr, sizeof(hdr));
	for (i = 0; i < sizeof(whole); i++)
		while (write(b->fd, whole + i, 1) != 1)
			;
}

static void
obey(struct imsgbuf *b, struct imsg *m)
{
	int32_t refused = EACCES;
	int i;

	switch (m->hdr.type) {
	case REFUSE:
		(void)say(b, IMSGCALL_ERROR, m->hdr.peerid, &refused, 4);
		return;
	case FLOOD:
		for (i = 0; i < 1100; i++)
			(void)say(b, 100 + (uint32_t)i, 0, NULL, 0);
		break;
	case LARGE_FLOOD:
		for (i = 0; i < 20; i++)
			(void)say(
			    b, 100 + (uint32_t)i, 0, block, sizeof(block));
		break;
	case DIE:
		(void)say(b, 7, 0, NULL, 0);
		_exit(0);
	case DIE_LATER:
		(void)say(b, 2, m->hdr.peerid, NULL, 0);
		_exit(0);
	case SLOWLY:
		answer_slowly(b, m->hdr.peerid);
		return;
	case MUTE:
		return;
	}
	(void)say(b, 2, m->hdr.peerid, m->data, m->hdr.len - IMSG_HEADER_SIZE);
}

/* first: so many messages before it listens. */
static void
peer_main(int fd, int first)
{
	struct imsgbuf b;
	struct imsg m;
	int i;

	if (imsgbuf_init(&b, fd) == -1 ||
	    imsgbuf_set_maxpayload(&b, 4 * MIB) == -1)
		_exit(1);
	for (i = 0; i < first; i++)
		if (!say(&b, 100 + (uint32_t)i, 0, block, sizeof(block)))
			_exit(1);
	while (imsgbuf_recv(&b, &m, -1) == 1) {
		obey(&b, &m);
		imsg_free(&m);
	}
	imsgbuf_clear(&b);
	_exit(0);
}

static pid_t
begin(struct pair *p, int first)
{
	pid_t pid;
	int s[2];

	memset(p, 0, sizeof(*p));
	p->fds = open_fds();
	p->peer.fd = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		(void)close(s[0]);
		peer_main(s[1], first);
	}
	(void)close(s[1]);
	assert_non_null(p->loop = imsgloop_poll_new());
	assert_non_null(p->chan = imsgloop_open(p->loop, s[0], &pair_cb, p));
	assert_int_equal(
	    imsgbuf_set_maxpayload(imsgloop_imsgbuf(p->chan), 4 * MIB), 0);
	assert_non_null(p->call = imsgcall_new(p->chan, IMSGCALL_LOWER));
	return pid;
}

static void
end(struct pair *p, pid_t pid)
{
	pair_close(p);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int
ask(struct pair *p, enum wish wish, int ms, struct imsg *m)
{
	return imsgcall_wait(p->call, (uint32_t)wish, -1, "hello", 5, ms, m);
}

static void
a_bare_program_answers(void **state)
{
	struct pair p;
	struct imsg m;
	char text[5];
	pid_t pid;
	int i;

	(void)state;
	pid = begin(&p, 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(ask(&p, ECHO, i % 2 == 0 ? -1 : 10000, &m), 1);
		assert_int_equal(imsg_get_data(&m, text, 5), 0);
		assert_memory_equal(text, "hello", 5);
		imsg_free(&m);
	}
	assert_int_equal(ask(&p, REFUSE, -1, &m), 0);
	assert_int_equal(imsgcall_error(&m), EACCES);
	imsg_free(&m);
	for (i = 0; i < 100; i++)
		assert_int_not_equal(imsgcall_start(p.call, ECHO, -1, NULL, 0,
					 10000, pair_done, &p),
		    0);
	pair_until(&p, 100);
	end(&p, pid);
}

static void
an_answer_byte_by_byte_is_waited_for(void **state)
{
	struct pair p;
	struct imsg m;
	pid_t pid;

	(void)state;
	pid = begin(&p, 0);
	assert_int_equal(ask(&p, SLOWLY, 10000, &m), 1);
	assert_int_equal(imsg_get_len(&m), 200);
	imsg_free(&m);
	end(&p, pid);
}

static void
a_process_that_dies_is_EPIPE_and_its_last_words_are_handled(void **state)
{
	struct pair p;
	struct imsg m;
	pid_t pid;

	(void)state;
	pid = begin(&p, 0);
	(void)imsgcall_start(p.call, MUTE, -1, NULL, 0, -1, pair_done, &p);
	assert_int_equal(ask(&p, DIE, 10000, &m), -1);
	assert_int_equal(errno, EPIPE);
	pair_until(&p, 3);
	pair_expect(&p, "mpe");
	end(&p, pid);
}

static void
an_answer_of_a_process_that_has_died_counts(void **state)
{
	struct pair p;
	struct imsg m;
	pid_t pid;

	(void)state;
	pid = begin(&p, 0);
	assert_int_equal(ask(&p, DIE_LATER, 10000, &m), 1);
	imsg_free(&m);
	assert_int_equal(ask(&p, ECHO, 10000, &m), -1);
	assert_int_equal(errno, EPIPE);
	pair_until(&p, 1);
	pair_expect(&p, "e");
	end(&p, pid);
}

/* All that came is handled, in order, and then it goes on. */
static void
more_than_1024_messages_are_ENOBUFS(void **state)
{
	uint32_t next = 100;
	struct pair p;
	struct imsg m;
	pid_t pid;
	int i;

	(void)state;
	pid = begin(&p, 0);
	assert_int_equal(ask(&p, FLOOD, 10000, &m), -1);
	assert_int_equal(errno, ENOBUFS);
	/* No more are held in another one. */
	assert_int_equal(ask(&p, ECHO, 10000, &m), -1);
	assert_int_equal(errno, ENOBUFS);
	while (next < 1200) {
		pair_until(&p, 1);
		for (i = 0; i < p.log.n; i++)
			assert_int_equal(p.log.value[i], next++);
		p.log.n = 0;
	}
	assert_int_equal(ask(&p, ECHO, 10000, &m), 1);
	imsg_free(&m);
	end(&p, pid);
}

static void
more_than_16_MiB_are_ENOBUFS(void **state)
{
	uint32_t next = 100;
	struct pair p;
	struct imsg m;
	pid_t pid;

	(void)state;
	pid = begin(&p, 0);
	assert_int_equal(ask(&p, LARGE_FLOOD, 10000, &m), -1);
	assert_int_equal(errno, ENOBUFS);
	while (next < 120) {
		pair_until(&p, 1);
		assert_int_equal(p.log.value[0], next);
		next += (uint32_t)p.log.n;
		p.log.n = 0;
	}
	assert_int_equal(ask(&p, ECHO, 10000, &m), 1);
	imsg_free(&m);
	end(&p, pid);
}

/* Who only wrote would wait for ever. */
static void
two_full_sockets_do_not_wait_for_each_other(void **state)
{
	struct pair p;
	struct imsg m;
	pid_t pid;
	int i;

	(void)state;
	pid = begin(&p, 5);
	assert_int_equal(
	    imsgcall_wait(p.call, ECHO, -1, block, sizeof(block), 20000, &m),
	    1);
	assert_int_equal(imsg_get_len(&m), sizeof(block));
	imsg_free(&m);
	pair_expect(&p, "");
	pair_until(&p, 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(p.log.value[i], 100 + i);
	end(&p, pid);
}

/* It will not be read, nor answered. */
static void
an_end_before_the_request_is_sent_is_EPIPE(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	assert_int_equal(
	    imsgbuf_set_maxpayload(imsgloop_imsgbuf(p.chan), 4 * MIB), 0);
	peer_send(&p, 5, 0, -1, NULL, 0);
	assert_int_equal(shutdown(p.peer.fd, SHUT_WR), 0);
	assert_int_equal(
	    imsgcall_wait(p.call, 1, -1, block, sizeof(block), 10000, &m), -1);
	assert_int_equal(errno, EPIPE);
	pair_until(&p, 2);
	pair_expect(&p, "me");
	pair_close(&p);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static void
a_signal_changes_nothing(void **state)
{
	const struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa;
	int64_t before;
	struct pair p;
	struct imsg m;
	pid_t pid;

	(void)state;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_alarm;
	pid = begin(&p, 0);
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	before = now_ms();
	assert_int_equal(ask(&p, MUTE, 60, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(now_ms() - before >= 60);
	assert_int_equal(ask(&p, ECHO, -1, &m), 1);
	imsg_free(&m);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	end(&p, pid);
}

static double
cpu_seconds(void)
{
	struct rusage ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

/*
 * The socket is full and poll(2) says that there is something to read, which
 * urgent data lets it say for ever.
 */
static void
urgent_data_and_a_full_socket_do_not_make_it_spin(void **state)
{
	double before;
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	assert_int_equal(
	    imsgbuf_set_maxpayload(imsgloop_imsgbuf(p.chan), 4 * MIB), 0);
	if (send(p.peer.fd, "!", 1, MSG_OOB) == -1) {
		print_message("no urgent data here\n");
		pair_close(&p);
		skip();
	}
	before = cpu_seconds();
	assert_int_equal(
	    imsgcall_wait(p.call, 1, -1, block, sizeof(block), 400, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(cpu_seconds() - before < 0.2);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_program_answers),
		cmocka_unit_test(an_answer_byte_by_byte_is_waited_for),
		cmocka_unit_test(
		    a_process_that_dies_is_EPIPE_and_its_last_words_are_handled),
		cmocka_unit_test(an_answer_of_a_process_that_has_died_counts),
		cmocka_unit_test(more_than_1024_messages_are_ENOBUFS),
		cmocka_unit_test(more_than_16_MiB_are_ENOBUFS),
		cmocka_unit_test(two_full_sockets_do_not_wait_for_each_other),
		cmocka_unit_test(an_end_before_the_request_is_sent_is_EPIPE),
		cmocka_unit_test(a_signal_changes_nothing),
		cmocka_unit_test(
		    urgent_data_and_a_full_socket_do_not_make_it_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
