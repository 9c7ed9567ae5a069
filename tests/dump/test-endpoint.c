/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of sockets and processes, asked with real ones.
 */
#define _GNU_SOURCE
#include "kid.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <linux/capability.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>

#include "channels.h"
#include "endpoint.h"

static struct endpoints *kernel;
static char dir[64];

static uint64_t
ino_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* A socket that listens at an address: a path, or '@' and a name. */
static int
listens(const char *name, struct sockaddr_un *sun, socklen_t *len)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s", name);
	*len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (name[0] == '@')
		sun->sun_path[0] = '\0';
	assert_int_equal(bind(s, (struct sockaddr *)sun, *len), 0);
	assert_int_equal(listen(s, 5), 0);
	return s;
}

static void
the_two_sockets_of_a_pair_are_each_others_peers(void **state)
{
	struct endpoint a, b;
	int s[2], i;

	(void)state;
	pair(s);
	for (i = 0; i < 2; i++) {
		struct endpoints *k = i == 0 ? kernel : NULL;

		assert_int_equal(endpoint_of(k, getpid(), s[0], &a), 1);
		assert_int_equal(endpoint_of(k, getpid(), s[1], &b), 1);
		assert_int_equal(a.ino, ino_of(s[0]));
		assert_int_equal(a.peer, ino_of(s[1]));
		assert_int_equal(b.peer, ino_of(s[0]));
		assert_true(a.cookie != b.cookie && a.cookie != 0);
		assert_true(a.connected && !a.closed && !a.foreign);
		assert_string_equal(a.path, "");
	}
	close(s[1]);
	assert_int_equal(endpoint_of(kernel, getpid(), s[0], &a), 1);
	assert_int_equal(a.peer, 0);
	assert_true(a.closed && a.connected);
	assert_int_equal(endpoint_ask(kernel, 0, b.ino, &a), 0);
	assert_int_equal(endpoint_ask(NULL, getpid(), ino_of(s[0]), &a), 1);
	close(s[0]);
}

static void
a_client_is_told_of_its_peer_once_it_is_accepted(void **state)
{
	struct endpoint e;
	struct sockaddr_un sun;
	char path[80];
	int l, c, a, i;
	socklen_t len;

	(void)state;
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), i == 0 ? "%s/s" : "@%s", dir);
		l = listens(path, &sun, &len);
		assert_int_equal(endpoint_of(kernel, getpid(), l, &e), 1);
		assert_false(e.connected);
		assert_string_equal(e.path, path);
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(endpoint_of(kernel, getpid(), c, &e), 1);
		assert_false(e.connected);
		assert_int_equal(connect(c, (struct sockaddr *)&sun, len), 0);
		assert_int_equal(endpoint_of(kernel, getpid(), c, &e), 1);
		assert_true(e.connected && !e.closed);
		assert_int_equal(e.peer, 0);
		a = accept(l, NULL, NULL);
		assert_int_equal(endpoint_of(kernel, getpid(), c, &e), 1);
		assert_int_equal(e.peer, ino_of(a));
		assert_string_equal(e.path, "");
		endpoint_peer_path(kernel, getpid(), &e);
		assert_string_equal(e.path, path);
		assert_int_equal(
		    endpoint_maker(getpid(), a), may_borrow() ? getpid() : 0);
		close(l);
		close(c);
		close(a);
	}
}

static void
what_is_no_unix_stream_socket_is_nothing(void **state)
{
	struct endpoint e;
	int p[2], d[2], t = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, d), 0);
	assert_int_equal(endpoint_of(kernel, getpid(), p[0], &e), 0);
	assert_int_equal(endpoint_of(kernel, getpid(), d[0], &e), 0);
	assert_int_equal(endpoint_of(kernel, getpid(), t, &e), 0);
	close(t);
	assert_int_equal(endpoint_of(kernel, getpid(), t, &e), -1);
	assert_int_equal(endpoint_of(kernel, getpid(), -1, &e), -1);
	assert_int_equal(endpoint_of(kernel, 0x7ffffff0, 0, &e), -1);
	assert_int_equal(endpoint_ask(kernel, 0, UINT64_MAX, &e), 0);
	assert_int_equal(endpoint_maker(0x7ffffff0, 0), 0);
	close(p[0]);
	close(p[1]);
	close(d[0]);
	close(d[1]);
}

/* In a network namespace of its own; the pair gets numbers 200 and 201. */
static int
lonely(void *arg)
{
	int s[2];

	(void)arg;
	if (unshare(CLONE_NEWNET) == -1)
		return -1;
	pair(s);
	dup2(s[0], 200);
	dup2(s[1], 201);
	return 0;
}

static int
lonely_twice(void *arg)
{
	return lonely(arg) == 0 ? unshare(CLONE_NEWNET) : -1;
}

static int
without_privilege(void *arg)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	const struct kid *k = arg;
	struct endpoints *x = endpoints_new();
	struct endpoint e;
	int r;

	if (syscall(SYS_capget, &h, d) == -1)
		return -1;
	d[0].effective &= ~(1U << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &h, d) == -1)
		return -1;
	r = endpoint_of(x, k->pid, 200, &e);
	r += 10 * endpoint_of(x, k->pid, 200, &e);
	r += e.peer == 0 && e.connected ? 100 : 0;
	endpoints_free(x);
	return r;
}

static void
peers_in_another_network_namespace_are_asked_for_there(void **state)
{
	struct stat before, after;
	struct endpoint a, b;
	struct kid k, poor;
	int s[2];

	(void)state;
	if (!may_leave())
		skip();
	k = kid_start(lonely, NULL, 0);
	assert_int_equal(stat("/proc/self/ns/net", &before), 0);
	assert_int_equal(endpoint_of(kernel, k.pid, 200, &a), 1);
	assert_int_equal(endpoint_of(kernel, k.pid, 201, &b), 1);
	assert_int_equal(a.peer, b.ino);
	assert_int_equal(b.peer, a.ino);
	assert_true(a.foreign);
	assert_int_equal(endpoint_ask(kernel, k.pid, a.ino, &b), 1);
	/* The ones that it had before it went there stay ours. */
	pair(s);
	assert_int_equal(endpoint_ask(kernel, k.pid, ino_of(s[0]), &b), 1);
	assert_int_equal(b.peer, ino_of(s[1]));
	assert_false(b.foreign);
	assert_int_equal(stat("/proc/self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	/* Who may not go there knows the socket, but no peer. */
	poor = kid_start(without_privilege, &k, 111);
	kid_end(&poor);
	kid_end(&k);
	/* Sockets in a namespace that no process is in any more. */
	k = kid_start(lonely_twice, NULL, 0);
	if (endpoint_of(kernel, k.pid, 200, &a) == 1) {
		assert_int_equal(a.peer, 0);
		assert_true(a.connected);
	}
	kid_end(&k);
	close(s[0]);
	close(s[1]);
}

static void
holders_are_all_processes_that_have_the_socket(void **state)
{
	struct kid k[3];
	pid_t pids[8];
	int s[2], i;

	(void)state;
	pair(s);
	for (i = 0; i < 3; i++)
		k[i] = kid_start(NULL, NULL, 0);
	assert_int_equal(endpoint_holders(ino_of(s[1]), pids, 8), 4);
	for (i = 1; i < 4; i++)
		assert_true(pids[i - 1] < pids[i]);
	assert_int_equal(endpoint_holders(ino_of(s[1]), pids, 2), 2);
	assert_int_equal(endpoint_holds(k[0].pid, ino_of(s[1])), s[1]);
	for (i = 0; i < 3; i++)
		kid_end(&k[i]);
	assert_int_equal(endpoint_holders(ino_of(s[1]), pids, 8), 1);
	assert_int_equal(pids[0], getpid());
	assert_int_equal(endpoint_holds(k[0].pid, ino_of(s[1])), -1);
	assert_int_equal(endpoint_holders(1, pids, 8), 0);
	close(s[0]);
	close(s[1]);
}

static int
renames(void *arg)
{
	return prctl(PR_SET_NAME, arg);
}

static void
a_name_is_that_of_the_process(void **state)
{
	char name[32] = "x", cut[4];
	struct kid k = kid_start(renames, (void *)(uintptr_t) "a \n)b\x1b", 0);

	(void)state;
	process_name(k.pid, name, sizeof(name));
	assert_string_equal(name, "a \n)b\x1b");
	process_name(k.pid, cut, sizeof(cut));
	assert_string_equal(cut, "a ");
	kid_end(&k);
	process_name(k.pid, name, sizeof(name));
	assert_string_equal(name, "");
}

static void *
thread(void *arg)
{
	*(pid_t *)arg = process_of_thread((pid_t)syscall(SYS_gettid));
	return NULL;
}

static void
a_thread_belongs_to_its_process(void **state)
{
	pthread_t t;
	pid_t got = 0;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, thread, &got), 0);
	pthread_join(t, NULL);
	assert_int_equal(got, getpid());
	assert_int_equal(process_of_thread(getpid()), getpid());
	assert_int_equal(process_of_thread(0x7ffffff0), 0);
}

static void
is(int fd, const char *want)
{
	char word[1100];

	channels_describe(getpid(), fd, word, sizeof(word));
	assert_string_equal(word, want);
	close(fd);
}

static void
a_descriptor_is_described_by_one_word(void **state)
{
	char path[128], want[160];
	struct sockaddr_un sun;
	socklen_t len;
	int p[2];

	(void)state;
	is(open("/dev/null", O_RDWR), "/dev/null");
	is(eventfd(0, 0), "eventfd");
	is(memfd_create("a b\n", 0), "memfd:a\\x20b\\x0a");
	is(open("/proc/self/ns/net", O_RDONLY), "net");
	assert_int_equal(pipe(p), 0);
	is(p[0], "pipe");
	is(p[0], "");
	close(p[1]);
	snprintf(path, sizeof(path), "%s/\x1b[1m f", dir);
	snprintf(want, sizeof(want), "%s/\\x1b[1m\\x20f", dir);
	is(open(path, O_RDWR | O_CREAT, 0600), want);
	p[0] = open(path, O_RDWR);
	unlink(path);
	strcat(want, "(deleted)");
	is(p[0], want);
	snprintf(path, sizeof(path), "%s/t\nu", dir);
	snprintf(want, sizeof(want), "socket:unix:%s/t\\x0au", dir);
	p[0] = listens(path, &sun, &len);
	p[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(p[1], (struct sockaddr *)&sun, len), 0);
	is(accept(p[0], NULL, NULL), want);
	is(p[0], want);
	is(p[1], "socket:unix");
	channels_describe(getpid(), 0, path, 0);
}

static void
an_internet_socket_is_described_by_its_addresses(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	char want[128];
	int s = socket(AF_INET, SOCK_STREAM, 0), c, port;
	socklen_t len = sizeof(sin);

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(s, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(s, 1), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(c, (struct sockaddr *)&sin, len), 0);
	snprintf(
	    want, sizeof(want), "socket:tcp:127.0.0.1:%d", ntohs(sin.sin_port));
	is(dup(s), want);
	port = ntohs(sin.sin_port);
	len = sizeof(sin);
	assert_int_equal(getsockname(c, (struct sockaddr *)&sin, &len), 0);
	snprintf(want, sizeof(want), "socket:tcp:127.0.0.1:%d-127.0.0.1:%d",
	    ntohs(sin.sin_port), port);
	is(c, want);
	close(s);
	c = socket(AF_INET6, SOCK_DGRAM, 0);
	if (c == -1)
		return;
	six.sin6_addr = in6addr_loopback;
	len = sizeof(six);
	if (bind(c, (struct sockaddr *)&six, len) == 0) {
		getsockname(c, (struct sockaddr *)&six, &len);
		snprintf(want, sizeof(want), "socket:udp:[::1]:%d",
		    ntohs(six.sin6_port));
		is(c, want);
	} else
		close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_two_sockets_of_a_pair_are_each_others_peers),
		cmocka_unit_test(
		    a_client_is_told_of_its_peer_once_it_is_accepted),
		cmocka_unit_test(what_is_no_unix_stream_socket_is_nothing),
		cmocka_unit_test(
		    peers_in_another_network_namespace_are_asked_for_there),
		cmocka_unit_test(
		    holders_are_all_processes_that_have_the_socket),
		cmocka_unit_test(a_name_is_that_of_the_process),
		cmocka_unit_test(a_thread_belongs_to_its_process),
		cmocka_unit_test(a_descriptor_is_described_by_one_word),
		cmocka_unit_test(
		    an_internet_socket_is_described_by_its_addresses),
	};
	char command[80];
	int r;

	snprintf(dir, sizeof(dir), "/tmp/endpoint.%ld", (long)getpid());
	if (mkdir(dir, 0700) == -1)
		return 1;
	kernel = endpoints_new();
	r = endpoints_can_ask(kernel) ?
	    cmocka_run_group_tests(tests, NULL, NULL) :
	    77;
	endpoints_free(kernel);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? r : 1;
}
