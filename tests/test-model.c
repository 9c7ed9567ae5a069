/* SPDX-License-Identifier: ISC */
/*
 * Random operation sequences over all functions beside a model: what must be
 * in which buffer and which queue, and which descriptor where.  In between
 * memory is short and the kernel moves little, or says no.
 *	test-model [SEQUENCES [SEED]]
 */
#include "model.h"

#include <inttypes.h>

#define STEPS 40

int m_master[M_MASTERS];

static unsigned long sequences = 2000, steps;
static uint64_t seed = 20251125;
static uint64_t running;
static int faulty;

size_t
m_below(size_t n)
{
	return t_rand() % n;
}

int
m_random_master(void)
{
	return (int)m_below(M_MASTERS);
}

int
m_dup(int master)
{
	int fd;

	if (master == -1)
		return -1;
	assert_true((fd = dup(m_master[master])) != -1);
	return fd;
}

void
m_same_fd(int fd, int master)
{
	assert_int_equal(t_fd_id(fd), t_fd_id(m_master[master]));
	assert_int_equal(close(fd), 0);
}

int
m_ok(int failed, int want)
{
	if (!failed) {
		assert_int_equal(want, 0);
		return 1;
	}
	if (want == 0 && faulty)
		want = ENOMEM;
	assert_int_equal(errno, want);
	return 0;
}

/* For one operation: this, with luck nothing. */
static void
arm(void)
{
	static const int out[] = { EAGAIN, EINTR, ENOBUFS, ENOMEM, EPIPE,
		ETOOMANYREFS };
	static const int in[] = { EAGAIN, EINTR, ENOMEM, ECONNRESET };

	t_short_send(m_below(4) ? 0 : 1 + m_below(100));
	t_short_recv(m_below(4) ? 0 : 1 + m_below(100));
	t_fail_send(m_below(8) == 0, out[m_below(6)]);
	t_fail_recv(m_below(8) == 0, in[m_below(4)]);
	t_fail_mmsg(m_below(64) == 0, ENOSYS);
	faulty = m_below(8) == 0;
	t_fail_alloc(faulty ? 1 + (long)m_below(4) : 0, m_below(2) == 0);
}

static void
disarm(void)
{
	t_short_send(0);
	t_short_recv(0);
	t_fail_send(0, 0);
	t_fail_recv(0, 0);
	t_fail_mmsg(0, 0);
	t_fail_alloc(0, 0);
	faulty = 0;
}

static void
sequence(void)
{
	struct m_ibuf slots[M_SLOTS];
	size_t i, n = 1 + m_below(2 * STEPS);

	if (m_below(16) == 0)
		n *= 10;
	memset(slots, 0, sizeof(slots));
	m_chan_begin();
	for (i = 0; i < n; i++) {
		arm();
		if (m_below(4))
			m_chan_step(slots);
		else
			m_ibuf_step(slots);
		disarm();
		assert_int_equal(t_bad_closes, 0);
	}
	steps += n;
	for (i = 0; i < M_SLOTS; i++) {
		if (slots[i].b != NULL)
			m_ibuf_verify(&slots[i]);
		m_ibuf_free(&slots[i]);
	}
	m_chan_end();
}

static void
random_sequences_agree_with_the_model(void **state)
{
	unsigned long i;
	long live;
	int fd, free_fd;

	(void)state;
	for (i = 0; i < M_MASTERS; i++)
		m_master[i] = t_fd(NULL);
	live = t_live();
	free_fd = dup(STDERR_FILENO);
	close(free_fd);
	/* It may take as long as it was asked to. */
	alarm(0);
	print_message("seed %" PRIu64 "\n", seed);
	for (i = 0; i < sequences; i++) {
		/* Each has its own seed, so that one can be run alone. */
		t_reseed(running = seed + i);
		sequence();
		fd = dup(STDERR_FILENO);
		assert_int_equal(t_live(), live);
		assert_int_equal(fd, free_fd);
		close(fd);
	}
	for (i = 0; i < M_MASTERS; i++)
		close(m_master[i]);
	print_message("%lu sequences, %lu operations, %lu messages, "
		      "%lu descriptors\n",
	    sequences, steps, m_delivered, m_passed);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		T(random_sequences_agree_with_the_model),
	};

	if (argc > 1)
		sequences = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	if (cmocka_run_group_tests(tests, NULL, NULL) == 0)
		return 0;
	fprintf(stderr, "to repeat it: test-model 1 %" PRIu64 "\n", running);
	return 1;
}
