/* SPDX-License-Identifier: ISC */
/*
 * libwayland on the pair of sockets given: the sender is a client, the other
 * the compositor, with a global whose one request and one event carry an
 * array.  The protocol below is what wayland-scanner would write for that.
 *
 * A message has to fit a buffer of 4096 bytes.  The client's buffer is no
 * larger either, and a request that finds it full and the socket too is a fatal
 * error; so the client flushes, and waits for the socket, before that.
 */
#include <sys/types.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <wayland-client.h>
#include <wayland-server.h>

#include "bench.h"

#define BUFFER	  4096
#define OVERHEAD  12  /* header, length of the array */
#define FIFO	  512 /* more than a buffer has messages */
#define LINGER_MS 1000
#define STEP_MS	  10

static const struct wl_interface *no_types[] = { NULL };
static const struct wl_message messages[] = { { "data", "a", no_types } };
static const struct wl_interface bench_interface = { "bench", 1, 1, messages, 1,
	messages };

struct peer {
	size_t size;
	/* Of the client. */
	struct wl_display *display;
	struct wl_proxy *proxy;
	size_t queued;
	int synced;
	/* Of the compositor. */
	struct wl_display *server;
	struct wl_client *client;
	struct wl_resource *resource;
	struct wl_listener gone;
	/* Touched in the callbacks, not asked for yet. */
	uint64_t sum[FIFO];
	unsigned head, tail;
};

static int
peer_can(const struct cell *c)
{
	return c->kind[0] != 'F' && c->channels == 1 &&
	    c->size <= BUFFER - OVERHEAD;
}

static void
arrived(struct peer *p, const struct wl_array *a)
{
	must(a->size == p->size, "size");
	must(p->tail - p->head < FIFO, "too many messages at once");
	p->sum[p->tail++ % FIFO] = touch(a->data, a->size);
}

/* The compositor: a request, a client that binds, a client that left. */
static void
on_request(struct wl_client *client, struct wl_resource *r, struct wl_array *a)
{
	(void)client;
	arrived(wl_resource_get_user_data(r), a);
}

static void (*const requests[])(struct wl_client *, struct wl_resource *,
    struct wl_array *) = { on_request };

static void
on_bind(struct wl_client *client, void *arg, uint32_t version, uint32_t id)
{
	struct peer *p = arg;

	p->resource =
	    wl_resource_create(client, &bench_interface, (int)version, id);
	must(p->resource != NULL, "wl_resource_create");
	wl_resource_set_implementation(p->resource, requests, p, NULL);
}

static void
on_gone(struct wl_listener *listener, void *client)
{
	struct peer *p = wl_container_of(listener, p, gone);

	(void)client;
	p->client = NULL;
	p->resource = NULL;
}

/* As wl_display_run() does it. */
static void
serve(struct peer *p, int ms)
{
	wl_display_flush_clients(p->server);
	must(wl_event_loop_dispatch(wl_display_get_event_loop(p->server), ms) ==
		0,
	    "wl_event_loop_dispatch");
}

static void
open_server(struct peer *p, int fd)
{
	must((p->server = wl_display_create()) != NULL, "wl_display_create");
	must(wl_global_create(p->server, &bench_interface, 1, p, on_bind) !=
		NULL,
	    "wl_global_create");
	p->client = wl_client_create(p->server, fd);
	must(p->client != NULL, "wl_client_create");
	p->gone.notify = on_gone;
	wl_client_add_destroy_listener(p->client, &p->gone);
	while (p->resource == NULL) {
		serve(p, -1);
		must(p->client != NULL, "client left");
	}
}

/* The client: an event, a global, the end of what was asked. */
static void
on_event(void *arg, struct wl_proxy *proxy, struct wl_array *a)
{
	(void)proxy;
	arrived(arg, a);
}

static void (*events[])(
    void *, struct wl_proxy *, struct wl_array *) = { on_event };

static void
on_global(void *arg, struct wl_registry *registry, uint32_t name,
    const char *interface, uint32_t version)
{
	struct peer *p = arg;

	(void)version;
	if (strcmp(interface, bench_interface.name) != 0)
		return;
	p->proxy = wl_registry_bind(registry, name, &bench_interface, 1);
	must(p->proxy != NULL, "wl_registry_bind");
	must(wl_proxy_add_listener(p->proxy, (void (**)(void))events, p) == 0,
	    "wl_proxy_add_listener");
}

static void
on_global_remove(void *arg, struct wl_registry *registry, uint32_t name)
{
	(void)arg;
	(void)registry;
	(void)name;
}

static const struct wl_registry_listener globals = { on_global,
	on_global_remove };

static void
on_sync(void *arg, struct wl_callback *callback, uint32_t serial)
{
	struct peer *p = arg;

	(void)callback;
	(void)serial;
	p->synced = 1;
}

static const struct wl_callback_listener syncs = { on_sync };

/* All that is queued, within ms milliseconds (-1: however long it takes). */
static int
flush_client(struct peer *p, int ms)
{
	struct pollfd pfd = { wl_display_get_fd(p->display), POLLOUT, 0 };

	while (wl_display_flush(p->display) == -1) {
		if (errno != EAGAIN || poll(&pfd, 1, ms) == 0)
			return -1;
	}
	p->queued = 0;
	return 0;
}

static void
open_client(struct peer *p, int fd)
{
	struct wl_registry *registry;

	p->display = wl_display_connect_to_fd(fd);
	must(p->display != NULL, "wl_display_connect_to_fd");
	registry = wl_display_get_registry(p->display);
	must(registry != NULL, "wl_display_get_registry");
	must(wl_registry_add_listener(registry, &globals, p) == 0,
	    "wl_registry_add_listener");
	while (p->proxy == NULL)
		must(wl_display_roundtrip(p->display) != -1,
		    "wl_display_roundtrip");
	wl_registry_destroy(registry);
	must(flush_client(p, -1) == 0, "wl_display_flush");
}

static void *
peer_open(const struct place *at, const struct cell *c)
{
	struct peer *p = calloc(1, sizeof(*p));

	must(p != NULL, "calloc");
	p->size = c->size;
	if (at->side == 0)
		open_client(p, at->fd);
	else
		open_server(p, at->fd);
	return p;
}

static void
peer_send(void *arg, const void *data, int fd, int flush)
{
	struct peer *p = arg;
	size_t need = OVERHEAD + ((p->size + 3) & ~(size_t)3);
	struct wl_array a = { p->size, p->size, (void *)(uintptr_t)data };

	(void)fd;
	if (p->server != NULL) {
		must(p->resource != NULL, "client left");
		wl_resource_post_event(p->resource, 0, &a);
		if (flush)
			wl_client_flush(p->client);
		return;
	}
	if (p->queued + need > BUFFER)
		must(flush_client(p, -1) == 0, "wl_display_flush");
	wl_proxy_marshal(p->proxy, 0, &a);
	p->queued += need;
	if (flush)
		must(flush_client(p, -1) == 0, "wl_display_flush");
}

static uint64_t
peer_recv(void *arg)
{
	struct peer *p = arg;

	while (p->head == p->tail) {
		if (p->server != NULL) {
			must(p->client != NULL, "client left");
			serve(p, -1);
		} else {
			must(wl_display_dispatch(p->display) != -1,
			    "wl_display_dispatch");
		}
	}
	return p->sum[p->head++ % FIFO];
}

/* A compositor forgets requests it has not read when the client hangs up. */
static void
linger(struct peer *p)
{
	struct pollfd pfd = { wl_display_get_fd(p->display), POLLIN, 0 };
	struct wl_callback *callback;
	int ms;

	if ((callback = wl_display_sync(p->display)) == NULL)
		return;
	must(wl_callback_add_listener(callback, &syncs, p) == 0,
	    "wl_callback_add_listener");
	if (flush_client(p, LINGER_MS) == 0) {
		for (ms = 0; ms < LINGER_MS && !p->synced; ms += STEP_MS) {
			if (poll(&pfd, 1, STEP_MS) > 0 &&
			    wl_display_dispatch(p->display) == -1)
				break;
		}
	}
	wl_callback_destroy(callback);
}

static void
peer_close(void *arg)
{
	struct peer *p = arg;
	int ms;

	if (p->server != NULL) {
		for (ms = 0; ms < LINGER_MS && p->client != NULL; ms += STEP_MS)
			serve(p, STEP_MS);
		wl_display_destroy_clients(p->server);
		wl_display_destroy(p->server);
	} else {
		linger(p);
		wl_proxy_destroy(p->proxy);
		wl_display_disconnect(p->display);
	}
	free(p);
}

const struct contender peer_wayland = { "libwayland", peer_can, peer_open,
	peer_send, peer_recv, peer_close };
