/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client/relay.h"

enum {
    BRIDGE_MAX_CLIENTS = 256, /* at once; further ones wait in the backlog. As many as a gate takes by default */
    BRIDGE_BACKLOG = 256,     /* clients that wait to be accepted */
    BRIDGE_ACCEPT_BATCH = 16, /* accepted in a row, before the other clients get their turn */
    BRIDGE_ATTEMPTS = 8,      /* connections tried for one client, if a full gate ends each before it reads a byte */
    BRIDGE_SHORTAGE_MS = 100, /* without accepting, after descriptors or memory ran out */
    BRIDGE_ADDRESS_MAX = 32,  /* "http://[::1]:65535", with terminator */
};

/**
 * struct bridge - a loopback port whose clients are connected to the Unix socket of a gate
 * @listener: owned
 * @socket_path: owned by the caller
 * @patience_ms: how long a client waits for a gate that does not listen yet
 * @is_private: clients of other users are turned away
 * @watched: another descriptor to wait for, until its @watched_events or a hang-up; -1 for none
 * @has_come: that event has come
 * @relays, @n_relays: one for each client
 * @cause: why a client found no gate, a positive errno; 0 once another client has found one
 * @on_end: called at each client's end; may be NULL
 * @userdata: for @on_end
 */
struct bridge {
    int listener;
    const char *socket_path;
    int64_t patience_ms;
    bool is_private;
    int watched;
    short watched_events;
    bool has_come;
    struct relay *relays[BRIDGE_MAX_CLIENTS];
    size_t n_relays;
    int cause;
    void (*on_end)(const struct relay *relay, void *userdata);
    void *userdata;

    /* private to bridge.c */
    int64_t retry_ms;
    int64_t shortage_until_ms;
    struct pollfd pollfds[2 + 2 * BRIDGE_MAX_CLIENTS];
};

/** bridge_init() - make a bridge that does not listen yet; there is nothing to deinit */
void bridge_init(struct bridge *bridge, const char *socket_path, int64_t patience_ms);

/** bridge_listen() - listen on @address, a loopback address. Return: 0 or a negative errno. */
int bridge_listen(struct bridge *bridge, const struct sockaddr_storage *address, socklen_t size);

/** bridge_address() - the URL for clients, "http://127.0.0.1:PORT" */
void bridge_address(const struct bridge *bridge, char address[BRIDGE_ADDRESS_MAX]);

/**
 * bridge_step() - wait until bytes can be moved, and move them
 * @timeout_ms: of the wait; -1 for none
 * @signals: the signals to block while waiting, as for ppoll(2); NULL for no change. A signal may stay pending while
 *           there are bytes to move.
 *
 * Return: 0; -EINTR when a signal came; any other errno of ppoll(2).
 */
int bridge_step(struct bridge *bridge, int timeout_ms, const sigset_t *signals);

/** bridge_waited_ms() - the longest time that a client has waited for a gate so far; 0 if none waits */
int64_t bridge_waited_ms(const struct bridge *bridge);

/** bridge_deinit() - end all connections, and stop listening */
void bridge_deinit(struct bridge *bridge);
