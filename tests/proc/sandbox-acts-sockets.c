/* SPDX-License-Identifier: ISC */
/*
 * Acts with sockets: of each domain, to each kind of address, and options.
 */
#include "sandbox-acts.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
result(long r)
{
	return r == -1 ? errno : 0;
}

static int
opened(long fd)
{
	if (fd == -1)
		return errno;
	(void)close((int)fd);
	return 0;
}

static int
try_socket(int domain, int type, int protocol)
{
	return opened(syscall(SYS_socket, domain, type, protocol));
}

static socklen_t
unix_address(struct sockaddr_un *sun, const char *path, int abstract)
{
	size_t len = strlen(path);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path + abstract, path, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}

static void
inet_address(struct sockaddr_in *sin, uint16_t port)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin->sin_port = htons(port);
}

typedef int (*with_address)(int, const struct sockaddr *, socklen_t);

static int
unix_with(with_address call, const char *path, int abstract)
{
	struct sockaddr_un sun;
	socklen_t len = unix_address(&sun, path, abstract);
	int r, s = socket(AF_UNIX, SOCK_STREAM, 0);

	if (s == -1)
		return errno;
	r = result(call(s, (struct sockaddr *)&sun, len));
	(void)close(s);
	return r;
}

static int
inet_with(with_address call, int given, uint16_t port)
{
	struct sockaddr_in sin;
	int r, s = given != -1 ? dup(given) : socket(AF_INET, SOCK_STREAM, 0);

	inet_address(&sin, port);
	if (s == -1)
		return errno;
	r = result(call(s, (struct sockaddr *)&sin, sizeof(sin)));
	(void)close(s);
	return r;
}

#define ACT(function, expression)           \
	static int function(struct room *r) \
	{                                   \
		(void)r;                    \
		return expression;          \
	}

ACT(socket_unix, try_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
ACT(socket_unix_dgram, try_socket(AF_UNIX, SOCK_DGRAM, 0))
ACT(socket_tcp, try_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0))
ACT(socket_udp, try_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP))
ACT(socket_tcp6, try_socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP))
ACT(socket_udp6, try_socket(AF_INET6, SOCK_DGRAM, 0))
ACT(socket_high_bits,
    opened(syscall(SYS_socket, INT64_C(0x100000000) + AF_NETLINK, SOCK_RAW, 0)))
ACT(socket_raw, try_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
ACT(socket_raw6, try_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6))
ACT(socket_mptcp, try_socket(AF_INET, SOCK_STREAM, 262))
ACT(socket_sctp, try_socket(AF_INET, SOCK_STREAM, 132))
ACT(socket_udplite, try_socket(AF_INET, SOCK_DGRAM, 136))
ACT(socket_ping, try_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP))
ACT(socket_netlink, try_socket(AF_NETLINK, SOCK_RAW, 0))
ACT(socket_packet, try_socket(AF_PACKET, SOCK_RAW, 0))
ACT(socket_alg, try_socket(38, SOCK_SEQPACKET, 0))
ACT(socket_vsock, try_socket(40, SOCK_STREAM, 0))
ACT(socket_xdp, try_socket(44, SOCK_RAW, 0))
ACT(socket_bluetooth, try_socket(31, SOCK_RAW, 0))
ACT(connect_path, unix_with(connect, "listen", 0))
ACT(bind_path, unix_with(bind, "bound", 0))
ACT(bind_abstract, unix_with(bind, r->dir, 1))
ACT(connect_tcp, inet_with(connect, -1, r->port))
ACT(bind_tcp, inet_with(bind, -1, 0))
ACT(connect_given_tcp, inet_with(connect, r->tcp, r->port))
ACT(listen_given, result(listen(r->server, 8)))
ACT(broad,
    result(
	setsockopt(r->udp, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int))))
ACT(no_delay,
    result(
	setsockopt(r->tcp, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int))))
ACT(bind_to_device,
    result(setsockopt(r->udp, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)))
ACT(multicast_ttl,
    result(setsockopt(
	r->udp, IPPROTO_IP, IP_MULTICAST_TTL, &(int){ 2 }, sizeof(int))))

/* What the parent listens on outside: see the room's "abstract". */
static int
connect_abstract(struct room *r)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "%s/abstract", r->dir);
	return unix_with(connect, name, 1);
}

static int
accept_given(struct room *r)
{
	return opened(syscall(
	    SYS_accept4, r->listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

static int
send_to(struct room *r)
{
	struct sockaddr_in sin;

	inet_address(&sin, 9);
	return result(
	    sendto(r->udp, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)));
}

static int
send_message(int s, const void *to, size_t len, int flags)
{
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg));
	msg.msg_name = (void *)(uintptr_t)to;
	msg.msg_namelen = (socklen_t)len;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	return result(sendmsg(s, &msg, flags | MSG_NOSIGNAL));
}

/* Its sockets are connected, and yet send elsewhere. */
static int
pair_to_path(struct room *r)
{
	struct sockaddr_un sun;
	socklen_t len = unix_address(&sun, "listen", 0);
	int e, s[2];

	(void)r;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == -1)
		return errno;
	e = send_message(s[0], &sun, len, 0);
	(void)close(s[0]);
	(void)close(s[1]);
	/* It was found, and is none for datagrams. */
	return e == EPROTOTYPE ? 0 : e;
}

static int
fast_open(struct room *r, int with_sendto)
{
	struct sockaddr_in sin;
	const int flags = MSG_FASTOPEN | MSG_NOSIGNAL;
	int e;

	inet_address(&sin, 9);
	if (with_sendto)
		e = result(sendto(r->tcp, "x", 1, flags,
		    (struct sockaddr *)&sin, sizeof(sin)));
	else
		e = send_message(r->tcp, &sin, sizeof(sin), flags);
	/* Nobody is there, or another act has connected it. */
	return e == ECONNREFUSED || e == EISCONN ? 0 : e;
}

ACT(fast_open_msg, fast_open(r, 0))
ACT(fast_open_to, fast_open(r, 1))

static int
attach_filter(struct room *r)
{
	struct sock_filter all = { 0x06, 0, 0, 0xffff };
	struct sock_fprog prog = { 1, &all };

	return result(setsockopt(
	    r->udp, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
}

#define NET (P_INET | P_DNS)
#define ANY (P_INET | P_DNS | P_UNIX)

static const struct act sockets[] = {
	{ "socket-unix", socket_unix, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "socket-unix-dgram", socket_unix_dgram, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "socket-tcp", socket_tcp, 0, 0, 0, NET, 0, 0, ACT_KILLS },
	{ "socket-udp", socket_udp, 0, 0, 0, NET, 0, 0, ACT_KILLS },
	{ "socket-tcp6", socket_tcp6, 0, 0, 0, NET, 0, 0, ACT_MAYBE },
	{ "socket-udp6", socket_udp6, 0, 0, 0, NET, 0, 0, ACT_MAYBE },
	{ "socket-high-bits", socket_high_bits, 0, 0, 0, 0, 0, 0, 0 },
	{ "socket-raw", socket_raw, 0, 0, 0, 0, 0, 0, ACT_MAYBE | ACT_KILLS },
	{ "socket-raw6", socket_raw6, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "socket-mptcp", socket_mptcp, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "socket-sctp", socket_sctp, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "socket-udplite", socket_udplite, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "socket-ping", socket_ping, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "socket-netlink", socket_netlink, 0, 0, 0, 0, 0, 0, 0 },
	{ "socket-packet", socket_packet, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
	{ "socket-alg", socket_alg, 0, 0, 0, 0, 0, 0, ACT_MAYBE | ACT_KILLS },
	{ "socket-vsock", socket_vsock, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
	{ "socket-xdp", socket_xdp, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "socket-bluetooth", socket_bluetooth, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "connect-path", connect_path, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "bind-path", bind_path, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "connect-abstract", connect_abstract, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "bind-abstract", bind_abstract, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "connect-tcp", connect_tcp, P_INET, 0, 0, 0, P_DNS, 4, 0 },
	{ "bind-tcp", bind_tcp, P_INET, 0, 0, 0, P_DNS, 4, 0 },
	{ "connect-given-tcp", connect_given_tcp, P_INET, 0, 0, 0,
	    P_DNS | P_UNIX, 4, ACT_KILLS },
	{ "listen", listen_given, 0, 0, 0, P_INET | P_UNIX, 0, 0, ACT_KILLS },
	{ "accept", accept_given, 0, 0, 0, P_INET | P_UNIX, 0, 0, ACT_KILLS },
	{ "sendto", send_to, 0, 0, 0, ANY, 0, 0, 0 },
	{ "pair-to-path", pair_to_path, P_UNIX, 0, 0, 0, 0, 0, 0 },
	{ "fast-open-sendmsg", fast_open_msg, P_INET, 0, 0, 0, 0, 0,
	    ACT_MAYBE },
	{ "fast-open-sendto", fast_open_to, P_INET, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "broadcast", broad, P_INET, 0, 0, 0, 0, 0, 0 },
	{ "no-delay", no_delay, P_INET, 0, 0, 0, 0, 0, 0 },
	{ "bind-to-device", bind_to_device, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "multicast", multicast_ttl, P_MCAST, 0, 0, 0, 0, 0, 0 },
	{ "attach-filter", attach_filter, 0, 0, 0, 0, 0, 0, 0 },
};
const struct acts acts_sockets = { sockets,
	sizeof(sockets) / sizeof(sockets[0]) };
