/* SPDX-License-Identifier: ISC */
/*
 * Processes whose first thread has ended while others go on: the kernel then
 * shows their descriptors at another place.
 */
#define _GNU_SOURCE
#include "kid.h"

#include <sys/stat.h>
#include <fcntl.h>
#include <pthread.h>

#include "channels.h"
#include "endpoint.h"

static int hold[2];

static void *
stays(void *arg)
{
	char c;

	(void)arg;
	close(hold[1]);
	while (read(hold[0], &c, 1) > 0)
		;
	_exit(0);
}

/* Until its first thread has ended. */
static pid_t
leaderless(void)
{
	pthread_t t;
	pid_t pid;
	int i;

	assert_int_equal(pipe(hold), 0);
	if ((pid = fork()) == 0) {
		if (pthread_create(&t, NULL, stays, NULL) != 0)
			_exit(1);
		pthread_exit(NULL);
	}
	assert_true(pid > 0);
	for (i = 0; i < 60000 && process_thread(pid) == pid; i++)
		usleep(1000);
	return pid;
}

static uint64_t
ino_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void
ends(pid_t pid)
{
	int status;

	close(hold[0]);
	close(hold[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
its_sockets_and_files_are_found_through_another_thread(void **state)
{
	struct endpoint e;
	char text[256];
	int s[2], file;
	pid_t pid;

	(void)state;
	pair(s);
	file = open("/dev/null", O_RDONLY);
	assert_true(file >= 0);
	pid = leaderless();
	assert_int_not_equal(process_thread(pid), pid);
	assert_int_equal(endpoint_of(NULL, pid, s[0], &e), 1);
	assert_int_equal(e.ino, ino_of(s[0]));
	assert_int_equal(endpoint_of(NULL, pid, 900, &e), -1);
	assert_int_equal(endpoint_holds(pid, ino_of(s[1])), s[1]);
	channels_describe(pid, file, text, sizeof(text));
	assert_string_equal(text, "/dev/null");
	channels_describe(pid, s[0], text, sizeof(text));
	assert_string_equal(text, "socket:unix");
	close(s[0]);
	close(s[1]);
	close(file);
	ends(pid);
}

static void
a_process_with_its_first_thread_is_found_through_that(void **state)
{
	(void)state;
	assert_int_equal(process_thread(getpid()), getpid());
	assert_int_equal(process_thread(0x7ffffff0), 0x7ffffff0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    its_sockets_and_files_are_found_through_another_thread),
		cmocka_unit_test(
		    a_process_with_its_first_thread_is_found_through_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
