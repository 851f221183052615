/* SPDX-License-Identifier: BSD-3-Clause */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* bytes read for one event: others wait meanwhile */
#define READ_SIZE ((size_t)64 * 1024)

/* with more than this to be sent nothing is read */
#define OUT_MUCH ((size_t)64 * 1024)

struct connection *
connection_create(struct cache *cache, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	connection->session =
		(struct session){.cache = cache, .out = &connection->out};
	return connection;
}

void
connection_delete(struct connection *connection)
{
	(void)close(connection->fd); /* nothing can be done about it */
	buffer_fini(&connection->in);
	buffer_fini(&connection->out);
	free(connection);
}

bool
connection_reads(const struct connection *connection)
{
	return !connection->closing && !connection->paused &&
	       connection->out.size < OUT_MUCH;
}

bool
connection_writes(const struct connection *connection)
{
	return connection->paused || connection->out.size > 0;
}

/* would_block -- is the failure of a read or write none? */
static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* receive -- false: the connection is broken */
static bool
receive(struct connection *connection)
{
	char *room = buffer_room(&connection->in, READ_SIZE);

	if (room == NULL)
		return false;
	ssize_t size = recv(connection->fd, room, READ_SIZE, 0);

	if (size < 0)
		return would_block();
	if (size == 0)
		connection->closing = true;
	buffer_added(&connection->in, (size_t)size);
	return true;
}

/* transmit -- false: the connection is broken */
static bool
transmit(struct connection *connection)
{
	struct buffer *out = &connection->out;

	while (out->size > 0) {
		ssize_t size = send(connection->fd, buffer_data(out), out->size,
			MSG_NOSIGNAL);

		if (size < 0)
			return would_block();
		buffer_drop(out, (size_t)size);
	}
	return true;
}

/* drop -- forget bytes of the input, also those that are still to come */
static void
drop(struct connection *connection, size_t size)
{
	size_t here = connection->in.size < size ? connection->in.size : size;

	buffer_drop(&connection->in, here);
	connection->skip = size - here;
}

/*
 * answer_all -- carry out what has come in, until more is needed or enough is
 * to be sent; returns true in the latter case
 */
static bool
answer_all(struct connection *connection)
{
	struct buffer *in = &connection->in;

	if (connection->skip > 0)
		drop(connection, connection->skip);
	while (in->size > 0) {
		size_t used = 0;

		if (connection->out.size >= OUT_MUCH)
			return true;
		switch (command_run(&connection->session, buffer_data(in),
			in->size, &used)) {
		case COMMAND_DONE:
			drop(connection, used);
			break;
		case COMMAND_PARTIAL:
			return false;
		case COMMAND_PAUSED:
			return true;
		case COMMAND_QUIT:
			connection->closing = true;
			buffer_fini(in);
			break;
		}
	}
	return false;
}

bool
connection_work(struct connection *connection, bool readable)
{
	if (readable && connection_reads(connection) && !receive(connection))
		return false;
	connection->paused = answer_all(connection);
	if (connection->session.failed || !transmit(connection))
		return false;
	return connection_writes(connection) || !connection->closing;
}
