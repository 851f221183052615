/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE 1 /* accept4(), clock_gettime(), signal sets */

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NEVENTS 64
#define BACKLOG 128
#define TICK_MS 1000

/* the whole table is swept once in so many ticks */
#define SWEEP_TICKS 60

static int64_t
clock_seconds(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* these two clocks are there */
	return (int64_t)now.tv_sec;
}

/* tick -- tell the store the time; when a second has gone by also tidy up */
static void
tick(struct store *store, int64_t start)
{
	int64_t now = clock_seconds(CLOCK_MONOTONIC) - start + 1;
	int64_t passed = now - store->now;

	store_tick(store, now, clock_seconds(CLOCK_REALTIME));
	if (passed > 0)
		store_sweep(store, store->nplaces / SWEEP_TICKS + 1);
}

/* --- sockets ------------------------------------------------------------- */

/* watch -- wait for `fd`; what an event says is `what` */
static int
watch(const struct server *server, int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int
listen_at(int fd, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *)&address, size) != 0 ||
		listen(fd, BACKLOG) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	*ret_port = ntohs(address.sin_port);
	return 0;
}

/* signals_open -- the signals that end us, as something to wait for */
static int
signals_open(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
server_init(struct server *server, struct cache *cache, size_t connections_max,
	uint16_t port, uint16_t *ret_port)
{
	*server = (struct server){.cache = cache,
		.connections_max = connections_max,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.listener = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.signals = signals_open()};
	if (server->epoll < 0 || server->listener < 0 || server->signals < 0 ||
		listen_at(server->listener, port, ret_port) != 0 ||
		watch(server, server->listener, &server->listener) != 0 ||
		watch(server, server->signals, &server->signals) != 0) {
		int err = errno;

		server_fini(server);
		errno = err;
		return -1;
	}
	return 0;
}

/* --- connections --------------------------------------------------------- */

static void
leave(struct server *server, struct connection *connection)
{
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		server->connections = connection->next;
	server->cache->counts.connections--;
	connection_delete(connection); /* epoll forgets what is closed */
}

static void
join(struct server *server, int fd)
{
	static const char full[] = "ERROR Too many open connections\r\n";
	struct counts *counts = &server->cache->counts;
	struct connection *connection = NULL;
	int on = 1;

	if (counts->connections < server->connections_max)
		connection = connection_create(server->cache, fd);
	if (connection == NULL || watch(server, fd, connection) != 0) {
		(void)send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL);
		if (connection != NULL)
			connection_delete(connection);
		else
			(void)close(fd);
		return;
	}
	/* answers are whole: nothing is gained by waiting for more of them */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->next = server->connections;
	if (connection->next != NULL)
		connection->next->previous = connection;
	server->connections = connection;
	counts->connections++;
	counts->connections_total++;
}

/* serve -- some work for a connection, and what to wait for afterwards */
static void
serve(struct server *server, struct connection *connection, uint32_t events)
{
	struct epoll_event next = {.data.ptr = connection};

	if (!connection_work(connection, (events & ~(uint32_t)EPOLLOUT) != 0)) {
		leave(server, connection);
		return;
	}
	if (connection_reads(connection))
		next.events |= EPOLLIN;
	if (connection_writes(connection))
		next.events |= EPOLLOUT;
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &next) != 0)
		leave(server, connection);
}

/* --- the loop ------------------------------------------------------------ */

/* handle -- one event; false: we were told to end */
static bool
handle(struct server *server, const struct epoll_event *event)
{
	if (event->data.ptr == &server->signals)
		return false;
	if (event->data.ptr == &server->listener) {
		int fd = accept4(server->listener, NULL, NULL,
			SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) /* else the client has gone again */
			join(server, fd);
	} else {
		serve(server, event->data.ptr, event->events);
	}
	return true;
}

int
server_run(struct server *server)
{
	struct store *store = &server->cache->store;
	int64_t start = clock_seconds(CLOCK_MONOTONIC);
	struct epoll_event events[NEVENTS];
	bool running = true;

	while (running) {
		int nevents =
			epoll_wait(server->epoll, events, NEVENTS, TICK_MS);

		if (nevents < 0 && errno != EINTR)
			return -1;
		tick(store, start);
		for (int i = 0; i < nevents && running; i++)
			running = handle(server, &events[i]);
	}
	return 0;
}

void
server_fini(struct server *server)
{
	int fds[] = {server->epoll, server->listener, server->signals};

	while (server->connections != NULL)
		leave(server, server->connections);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}
