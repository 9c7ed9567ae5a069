/* SPDX-License-Identifier: ISC */
/*
 * sd-bus, peer to peer without a bus daemon, on the pair of sockets given.
 * A message is a signal with one argument, "ay".
 *
 * sd_bus_send(3) writes each message at once if the socket takes it, else
 * queues it; the flush writes what is queued.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>

#include <systemd/sd-bus.h>

#include "bench.h"

#define BUS_PATH      "/org/example/bench"
#define BUS_INTERFACE "org.example.Bench"
#define BUS_MEMBER    "Data"
#define BUS_ARRAY_MAX (64U << 20) /* of the D-Bus specification */
#define FOREVER	      UINT64_MAX

struct peer {
	size_t size;
	sd_bus *bus;
};

static int
peer_can(const struct cell *c)
{
	return c->kind[0] != 'F' && c->channels == 1 &&
	    c->size <= BUS_ARRAY_MAX;
}

/* Returns when both ends have said hello. */
static void *
peer_open(const struct place *at, const struct cell *c)
{
	struct peer *p = calloc(1, sizeof(*p));
	sd_id128_t id;

	must(p != NULL, "calloc");
	p->size = c->size;
	must(sd_bus_new(&p->bus) >= 0, "sd_bus_new");
	must(sd_bus_set_fd(p->bus, at->fd, at->fd) >= 0, "sd_bus_set_fd");
	if (at->side == 1) {
		must(sd_id128_randomize(&id) >= 0, "sd_id128_randomize");
		must(
		    sd_bus_set_server(p->bus, 1, id) >= 0, "sd_bus_set_server");
	}
	must(sd_bus_set_anonymous(p->bus, 1) >= 0, "sd_bus_set_anonymous");
	must(sd_bus_start(p->bus) >= 0, "sd_bus_start");
	must(sd_bus_flush(p->bus) >= 0, "sd_bus_flush");
	return p;
}

static void
peer_send(void *arg, const void *data, int fd, int flush)
{
	struct peer *p = arg;
	sd_bus_message *m = NULL;

	(void)fd;
	must(sd_bus_message_new_signal(
		 p->bus, &m, BUS_PATH, BUS_INTERFACE, BUS_MEMBER) >= 0,
	    "sd_bus_message_new_signal");
	must(sd_bus_message_append_array(m, 'y', data, p->size) >= 0,
	    "sd_bus_message_append_array");
	must(sd_bus_send(p->bus, m, NULL) >= 0, "sd_bus_send");
	(void)sd_bus_message_unref(m);
	if (flush)
		must(sd_bus_flush(p->bus) >= 0, "sd_bus_flush");
}

/* The next message, NULL if that was some other work of the bus. */
static sd_bus_message *
next(sd_bus *bus)
{
	sd_bus_message *m = NULL;
	int r;

	r = sd_bus_process(bus, &m);
	must(r >= 0, "sd_bus_process");
	if (r > 0)
		return m;
	r = sd_bus_wait(bus, FOREVER);
	must(r >= 0 || r == -EINTR, "sd_bus_wait");
	return NULL;
}

static uint64_t
peer_recv(void *arg)
{
	struct peer *p = arg;
	sd_bus_message *m;
	const void *data;
	uint64_t sum;
	size_t n;

	while ((m = next(p->bus)) == NULL)
		;
	must(sd_bus_message_is_signal(m, BUS_INTERFACE, BUS_MEMBER) > 0,
	    "disconnected");
	must(sd_bus_message_read_array(m, 'y', &data, &n) > 0 && n == p->size,
	    "sd_bus_message_read_array");
	sum = touch(data, n);
	(void)sd_bus_message_unref(m);
	return sum;
}

/* What sd_bus_flush(3) has written stays in the socket for the other end. */
static void
peer_close(void *arg)
{
	struct peer *p = arg;

	(void)sd_bus_flush_close_unref(p->bus);
	free(p);
}

const struct contender peer_sdbus = { "sd-bus", peer_can, peer_open, peer_send,
	peer_recv, peer_close };
