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
    RELAY_SILENCE_MS = 1000,        /* of a client, until it is given the gate although it has said nothing */
    RELAY_LINGER_MS = 2000,         /* behind the gate's end, for a client that still sends to read what it said */
    RELAY_WORDS_MAX = 1024,         /* of the gate's first bytes that are kept, for whoever has to explain them */
};

/**
 * enum relay_state - how far one direction has come
 *
 * RELAY_OPEN:     bytes flow. -> ENDING at the end of the source; DROPPING when the gate takes no more.
 * RELAY_ENDING:   what was read still has to be written. -> DONE when it is, and the end has been passed on; DROPPING.
 * RELAY_DROPPING: what the client sends goes nowhere, but is read: a socket that is closed with something to read in it
 *                 sends a reset, which takes with it what has not been sent yet. -> DONE at the client's end.
 * RELAY_DONE:     nothing is read or written any more.
 */
enum relay_state {
    RELAY_OPEN,
    RELAY_ENDING,
    RELAY_DROPPING,
    RELAY_DONE,
};

/** struct relay_way - one direction: what is on its way, and how many bytes have arrived */
struct relay_way {
    enum relay_state state;
    struct buffer buffer;
    uint64_t n_bytes;
};

/**
 * struct relay - two connected stream sockets, non-blocking, and bytes both ways between them
 * @client, @gate: owned; @gate is -1 until relay_connect()
 * @up, @down: from the client to the gate, and back
 * @gate_is_gone: its socket is closed, and not only shut for sending
 * @wants_gate: relay_hear() has said that it is time to connect
 * @has_asked: what moved last, was on its way up
 * @words, @n_words: the first bytes that the gate has sent
 * @since_ms: by its owner's clock, when bytes last moved; before that, when it was given the gate, or began to want it, or
 *            was given the client
 * @slot: its owner's
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
    int64_t since_ms;
    size_t slot;
};

/** relay_init() - begin with a @client, owned from here on, and no gate yet */
void relay_init(struct relay *relay, int client, int64_t now_ms);

/**
 * relay_hear() - without a gate yet, see whether it is time to connect
 * @revents: what poll(2) has returned for the client's side
 *
 * It is as soon as the client has said something. A gate that is full ends connections on which nothing is said, so one
 * that is made too early may be lost. It is after RELAY_SILENCE_MS as well: how long a client may be silent is for the gate
 * to say.
 *
 * Return: false when the client has ended instead, and relay_deinit() is due.
 */
bool relay_hear(struct relay *relay, short revents, int64_t now_ms);

/** relay_connect() - give it the gate's side, owned from here on */
void relay_connect(struct relay *relay, int gate, int64_t now_ms);

/**
 * relay_begin() - pass on what the client has said first
 *
 * Return: false when the gate has ended the connection before it took anything of that: the connection is closed, and
 * relay_connect() may be called with another one.
 */
bool relay_begin(struct relay *relay);

static inline struct span relay_words(const struct relay *relay) {
    return (struct span){relay->words, relay->n_words};
}

/** relay_await() - fill in what to poll(2) for: the client's side, and the gate's, or -1 before relay_connect() */
void relay_await(const struct relay *relay, struct pollfd pollfds[2]);

/** relay_lingers() - whether it only waits for a client that still sends, until @since_ms is RELAY_LINGER_MS ago */
static inline bool relay_lingers(const struct relay *relay) {
    return relay->up.state == RELAY_DROPPING && relay->down.state == RELAY_DONE;
}

/**
 * relay_pump() - move what can be moved; an end that one side has come to, is passed on to the other
 * @pollfds: as poll(2) has returned those of relay_await()
 *
 * It reads no more than it has been able to write, so whoever is slow slows down the other.
 *
 * Return: whether it goes on; if not, relay_deinit() is due.
 */
bool relay_pump(struct relay *relay, const struct pollfd pollfds[2], int64_t now_ms);

/** relay_deinit() - close both sockets */
void relay_deinit(struct relay *relay);
