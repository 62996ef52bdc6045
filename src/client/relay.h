/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

enum {
    RELAY_BUFFER_BYTES = 64 * 1024, /* in flight, each way: as much as a gate has */
    RELAY_ROUNDS = 16,              /* of reading and writing, before others get their turn */
    RELAY_SILENCE_MS = 1000,        /* of a client's silence, until it is connected to the gate all the same */
    RELAY_LINGER_MS = 2000,         /* after the gate's end, for a client that still sends to read the answer */
    RELAY_WORDS_MAX = 1024,         /* bytes kept of the gate's last answer, to explain it */
};

/**
 * enum relay_state - the state of one direction
 *
 * RELAY_OPEN:
 *     Bytes flow. -> ENDING at the end of the source; DROPPING when the gate takes no more.
 * RELAY_ENDING:
 *     Bytes that were read remain to be written. -> DONE when they are, and the end was passed on; DROPPING.
 * RELAY_DROPPING:
 *     Bytes of the client are read and dropped. Closing a socket with unread bytes would send a reset, which loses
 *     bytes that are not sent yet. -> DONE at the client's end.
 * RELAY_DONE:
 *     Nothing is read or written any more.
 */
enum relay_state {
    RELAY_OPEN,
    RELAY_ENDING,
    RELAY_DROPPING,
    RELAY_DONE,
};

/** struct relay_way - one direction: the bytes under way, and the number that arrived */
struct relay_way {
    enum relay_state state;
    struct buffer buffer;
    uint64_t n_bytes;
};

/**
 * struct relay - two connected stream sockets, non-blocking, and bytes both ways between them
 * @client, @gate: owned; @gate is -1 until relay_connect()
 * @up, @down: from the client to the gate, and back
 * @gate_is_gone: the gate has closed its socket, and not only shut down sending
 * @wants_gate: relay_hear() has said that it is time to connect
 * @has_asked: the last bytes moved went up
 * @words, @n_words: the first bytes of the gate's last answer; an answer begins after bytes of the client
 * @n_turns: the number of such answers
 * @wants_answer: the client has sent something since the gate's last byte
 * @since_ms: by the owner's clock, when bytes last moved; before that, the time of relay_connect(), of @wants_gate, or
 *            of relay_init()
 * @slot: for the owner's use
 */
struct relay {
    int client;
    int gate;
    struct relay_way up;
    struct relay_way down;
    bool wants_gate;
    bool gate_is_gone;
    bool has_asked;
    char words[RELAY_WORDS_MAX];
    size_t n_words;
    unsigned n_turns;
    bool wants_answer;
    int64_t since_ms;
    size_t slot;
};

/** relay_init() - begin with @client, which the relay owns from now on, and without a gate */
void relay_init(struct relay *relay, int client, int64_t now_ms);

/**
 * relay_hear() - without a gate, decide whether it is time to connect
 * @revents: poll(2)'s result for the client's side
 *
 * It is time when the client has sent something: a full gate ends silent connections, so one made too early may be
 * lost. It is also time after RELAY_SILENCE_MS, since the gate decides how long a client may be silent.
 *
 * Return: false when the client has ended; call relay_deinit().
 */
bool relay_hear(struct relay *relay, short revents, int64_t now_ms);

/** relay_connect() - set the gate's side, which the relay owns from now on */
void relay_connect(struct relay *relay, int gate, int64_t now_ms);

/**
 * relay_begin() - pass on the client's first bytes
 *
 * Return: false when the gate ended the connection before it took any byte. The connection is closed then, and
 * relay_connect() may be called with another one.
 */
bool relay_begin(struct relay *relay);

static inline struct span relay_words(const struct relay *relay) {
    return (struct span){relay->words, relay->n_words};
}

/** relay_await() - fill in the events for poll(2) of both sides; the gate's is -1 before relay_connect() */
void relay_await(const struct relay *relay, struct pollfd pollfds[2]);

/** relay_lingers() - whether it only drops bytes of a client, until RELAY_LINGER_MS after @since_ms */
static inline bool relay_lingers(const struct relay *relay) {
    return relay->up.state == RELAY_DROPPING && relay->down.state == RELAY_DONE;
}

/**
 * relay_pump() - move bytes as far as possible, and pass on the end of a side to the other
 * @pollfds: those of relay_await(), after poll(2)
 *
 * It reads no more than it could write, so a slow side slows down the other.
 *
 * Return: whether it goes on; if not, call relay_deinit().
 */
bool relay_pump(struct relay *relay, const struct pollfd pollfds[2], int64_t now_ms);

/** relay_deinit() - close both sockets */
void relay_deinit(struct relay *relay);
