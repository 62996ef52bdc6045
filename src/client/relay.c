/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Passes bytes between two sockets, in both directions. Each direction ends by itself: a side that shuts down only its
 * sending half still gets its answer. It must not interpret the bytes.
 */

#include "client/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

void relay_init(struct relay *relay, int client, int64_t now_ms) {
    *relay = (struct relay){.client = client, .gate = -1, .since_ms = now_ms};
    buffer_init(&relay->up.buffer, RELAY_BUFFER_BYTES);
    buffer_init(&relay->down.buffer, RELAY_BUFFER_BYTES);
}

bool relay_hear(struct relay *relay, short revents, int64_t now_ms) {
    bool has_spoken = false;
    char byte;

    if ((revents & (POLLERR | POLLHUP)) != 0 || relay->wants_gate) {
        return (revents & (POLLERR | POLLHUP)) == 0;
    }
    if ((revents & POLLIN) != 0) {
        ssize_t n = recv(relay->client, &byte, sizeof(byte), MSG_PEEK);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        has_spoken = n > 0;
    }
    if (has_spoken || now_ms - relay->since_ms >= RELAY_SILENCE_MS) {
        relay->wants_gate = true;
        relay->since_ms = now_ms;
    }
    return true;
}

void relay_connect(struct relay *relay, int gate, int64_t now_ms) {
    relay->gate = gate;
    relay->since_ms = now_ms;
}

void relay_deinit(struct relay *relay) {
    buffer_deinit(&relay->up.buffer);
    buffer_deinit(&relay->down.buffer);
    relay->client = fd_close(relay->client);
    relay->gate = fd_close(relay->gate);
}

/* ---- waiting ---- */

static bool wants_bytes(const struct relay_way *way) {
    return way->state == RELAY_DROPPING || (way->state == RELAY_OPEN && buffer_size(&way->buffer) == 0);
}

static short events_of(const struct relay_way *from, const struct relay_way *to) {
    return (short)((wants_bytes(from) ? POLLIN : 0) | (buffer_size(&to->buffer) > 0 ? POLLOUT : 0));
}

/*
 * poll(2) reports an end again and again, so a side is left out when both its directions have ended. Until then the
 * gate's end and the client's reset are watched. A client that waits for a gate is watched for its reset alone.
 */
void relay_await(const struct relay *relay, struct pollfd pollfds[2]) {
    bool client_has_ended = relay->up.state != RELAY_OPEN && relay->up.state != RELAY_DROPPING;

    if (relay->gate < 0) {
        pollfds[0] = (struct pollfd){.fd = relay->client, .events = relay->wants_gate ? 0 : POLLIN};
        pollfds[1] = (struct pollfd){.fd = -1};
        return;
    }
    pollfds[0] = (struct pollfd){.fd = relay->client, .events = events_of(&relay->up, &relay->down)};
    pollfds[1] = (struct pollfd){.fd = relay->gate, .events = events_of(&relay->down, &relay->up)};
    if (relay->down.state == RELAY_DONE && client_has_ended) {
        pollfds[0].fd = -1;
    }
    if (pollfds[1].events == 0 && relay->gate_is_gone) {
        pollfds[1].fd = -1;
    }
}

/* ---- moving ---- */

static void finish(struct relay_way *way, enum relay_state state) {
    buffer_release(&way->buffer);
    way->state = state;
}

/* Return: 1 when bytes came, otherwise 0. */
static int read_from(struct relay_way *way, int source) {
    ssize_t n = wants_bytes(way) ? buffer_read(&way->buffer, source) : -EAGAIN;

    if (n <= 0 && n != -EAGAIN) {
        way->state = way->state == RELAY_OPEN ? RELAY_ENDING : RELAY_DONE; /* an error is an end, too */
    }
    return n > 0;
}

/* Return: 1 if bytes went out, 0 if not, a negative errno if none ever will. */
static int write_to(struct relay_way *way, int sink) {
    struct span bytes = buffer_content(&way->buffer);
    ssize_t n;

    if (bytes.size > 0) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions): the analyzer takes the content for the empty one */
        n = send(sink, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (n > 0) {
            buffer_consume(&way->buffer, (size_t)n);
            way->n_bytes += (uint64_t)n;
        }
        return n > 0 ? 1 : errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    if (way->state == RELAY_ENDING) {
        (void)shutdown(sink, SHUT_WR);
        finish(way, RELAY_DONE);
    }
    return 0;
}

static void keep_words(struct relay *relay) {
    struct span bytes = buffer_content(&relay->down.buffer);
    size_t room;
    size_t n;

    if (relay->wants_answer) {
        relay->wants_answer = false;
        relay->n_words = 0;
        relay->n_turns++;
    }
    room = sizeof(relay->words) - relay->n_words;
    n = bytes.size < room ? bytes.size : room;
    memcpy(relay->words + relay->n_words, bytes.data, n);
    relay->n_words += n;
}

/* Drops the client's bytes: the gate reads no more, but may still answer. Reading goes on, to see the client's end. */
static void drop(struct relay *relay) {
    if (relay->up.state != RELAY_DONE) {
        finish(&relay->up, relay->up.state == RELAY_ENDING ? RELAY_DONE : RELAY_DROPPING);
    }
}

/* Return: as write_to(), but 0 for a gate that has stopped reading. */
static int pump_up(struct relay *relay) {
    int n_read = read_from(&relay->up, relay->client);
    int n_written;

    if (relay->up.state == RELAY_DROPPING) {
        buffer_release(&relay->up.buffer);
        return n_read;
    }
    n_written = write_to(&relay->up, relay->gate);
    if (n_written < 0) {
        drop(relay);
        return 0;
    }
    relay->wants_answer |= n_written > 0;
    return n_read | n_written;
}

bool relay_begin(struct relay *relay) {
    (void)read_from(&relay->up, relay->client);
    if (write_to(&relay->up, relay->gate) >= 0) {
        relay->has_asked = relay->up.n_bytes > 0;
        relay->wants_answer = relay->has_asked;
        return true;
    }
    relay->gate = fd_close(relay->gate);
    return false;
}

static int pump_down(struct relay *relay) {
    int n_read = read_from(&relay->down, relay->gate);
    int n_written;

    if (n_read > 0) {
        keep_words(relay);
    }
    n_written = write_to(&relay->down, relay->client);
    return n_written < 0 ? n_written : n_read | n_written;
}

static void note(struct relay *relay, int moved_up, int moved_down, int64_t now_ms) {
    if ((moved_up > 0 && relay->up.state != RELAY_DROPPING) || moved_down > 0) {
        relay->since_ms = now_ms;
        relay->has_asked = moved_down <= 0;
    }
}

bool relay_pump(struct relay *relay, const struct pollfd pollfds[2], int64_t now_ms) {
    int moves = (pollfds[0].revents & POLLERR) != 0 ? -ECONNRESET : 1;

    for (unsigned i = 0; i < RELAY_ROUNDS && moves > 0; i++) {
        int moved_up = pump_up(relay);

        moves = pump_down(relay);
        note(relay, moved_up, moves, now_ms);
        moves = moves < 0 ? moves : moves | moved_up;
    }
    if ((pollfds[1].revents & (POLLHUP | POLLERR)) != 0) {
        relay->gate_is_gone = true;
        drop(relay);
    }
    if ((pollfds[0].revents & POLLHUP) != 0 && relay->down.state != RELAY_DONE) {
        return false; /* the client reads no more; that is expected only of one that got the whole answer */
    }
    if (buffer_size(&relay->up.buffer) == 0 && buffer_size(&relay->down.buffer) == 0) {
        buffer_release(&relay->up.buffer);
        buffer_release(&relay->down.buffer);
    }
    return moves >= 0 && (relay->up.state != RELAY_DONE || relay->down.state != RELAY_DONE);
}
