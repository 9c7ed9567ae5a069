/* SPDX-License-Identifier: ISC */
/*
 * The credentials of a peer: one function a system family.
 *
 * All of them are snapshots of connect(2) or socketpair(2) time; none can
 * name a process that got the socket later by fork or descriptor passing.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#if defined(__FreeBSD__)
#include <sys/param.h>
#endif
#if defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/ucred.h>
#endif

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"
#include "os-cred.h"

/* getsockname(2) tells the family where SO_DOMAIN does not exist. */
static int
check_unix(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1) {
		if (errno == ENOTSOCK || errno == EOPNOTSUPP)
			errno = ENOTSUP;
		return -1;
	}
	if (ss.ss_family != AF_UNIX) {
		errno = ENOTSUP;
		return -1;
	}
	return 0;
}

/* An unconnected UNIX socket has no peer name (getpeername(2)). */
static int
check_connected(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getpeername(fd, (struct sockaddr *)&ss, &len);
}

#if defined(SO_PEERCRED)
/* Linux: struct ucred; OpenBSD: struct sockpeercred; the same three fields. */
#if defined(__OpenBSD__)
typedef struct sockpeercred peer_t;
#else
typedef struct ucred peer_t;
#endif

static int
fetch(int fd, struct imsg_cred *cred)
{
	peer_t peer;
	socklen_t len = sizeof(peer);

	memset(&peer, 0, sizeof(peer));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return -1;
	cred->uid = peer.uid;
	cred->gid = peer.gid;
	/* 0: the peer is outside our pid namespace (pid_namespaces(7)) */
	cred->pid = peer.pid > 0 ? peer.pid : -1;
	return 0;
}
#elif defined(LOCAL_PEEREID)
/* NetBSD: unix(4), since 5.0. */
static int
fetch(int fd, struct imsg_cred *cred)
{
	struct unpcbid peer;
	socklen_t len = sizeof(peer);

	memset(&peer, 0, sizeof(peer));
	if (getsockopt(fd, 0, LOCAL_PEEREID, &peer, &len) == -1)
		return -1;
	cred->uid = peer.unp_euid;
	cred->gid = peer.unp_egid;
	cred->pid = peer.unp_pid;
	return 0;
}
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__DragonFly__)
static pid_t
peer_pid(int fd)
{
#if defined(LOCAL_PEERPID)
	/* macOS: sys/un.h, since 10.8 */
	pid_t pid;
	socklen_t len = sizeof(pid);

	if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &len) == 0)
		return pid;
#elif defined(__FreeBSD__) && __FreeBSD_version >= 1300139
	/* unix(4): cr_pid is there in 13.0; level 0 stands for SOL_LOCAL */
	struct xucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, 0, LOCAL_PEERCRED, &peer, &len) == 0 &&
	    peer.cr_version == XUCRED_VERSION && peer.cr_pid > 0)
		return peer.cr_pid;
#else
	(void)fd;
#endif
	return -1;
}

/* getpeereid(3): the effective ids at connect(2) or listen(2) time. */
static int
fetch(int fd, struct imsg_cred *cred)
{
	uid_t uid;
	gid_t gid;

	if (getpeereid(fd, &uid, &gid) == -1)
		return -1;
	cred->uid = uid;
	cred->gid = gid;
	cred->pid = peer_pid(fd);
	return 0;
}
#else
static int
fetch(int fd, struct imsg_cred *cred)
{
	(void)fd;
	(void)cred;
	errno = ENOTSUP;
	return -1;
}
#endif

int
imsgi_os_peercred(int fd, struct imsg_cred *cred)
{
	struct imsg_cred got;

	if (check_unix(fd) == -1 || check_connected(fd) == -1)
		return -1;
	if (fetch(fd, &got) == -1)
		return -1;
	*cred = got;
	return 0;
}
