/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connects each client of a loopback port to the gate's socket, in one process and one thread. It connects to the gate
 * when the client sends something, and passes the first bytes on at once. While the gate starts or restarts, it tries
 * again for a while. It must not parse the bytes: the gate does, and decides what a client may do.
 */

#include "client/bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/dial.h"
#include "client/owner.h"
#include "client/patience.h"

enum {
    SLOT_LISTENER,
    SLOT_WATCHED,
    SLOT_RELAYS, /* and all that follow: one for a client without a gate, two for a connected one */
};

enum {
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
};

void bridge_init(struct bridge *bridge, const char *socket_path, int64_t patience_ms) {
    *bridge = (struct bridge){.listener = -1, .socket_path = socket_path, .patience_ms = patience_ms, .watched = -1};
}

int bridge_listen(struct bridge *bridge, const struct sockaddr_storage *address, socklen_t size) {
    _cleanup_fd_ int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 || /* accepted sockets inherit it */
        bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, BRIDGE_BACKLOG) < 0) {
        return -errno;
    }
    bridge->listener = fd_take(&fd);
    return 0;
}

void bridge_address(const struct bridge *bridge, char address[BRIDGE_ADDRESS_MAX]) {
    struct sockaddr_storage storage = {0};
    struct sockaddr_in in;
    char host[INET_ADDRSTRLEN] = "";

    (void)getsockname(bridge->listener, (struct sockaddr *)&storage, &(socklen_t){sizeof(storage)});
    if (storage.ss_family == AF_INET6) {
        (void)snprintf(address, BRIDGE_ADDRESS_MAX, "http://[::1]:%u",
                       ntohs(((const struct sockaddr_in6 *)&storage)->sin6_port));
        return;
    }
    memcpy(&in, &storage, sizeof(in));
    (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
    (void)snprintf(address, BRIDGE_ADDRESS_MAX, "http://%s:%u", host, ntohs(in.sin_port));
}

/* ---- one client ---- */

/* Ends a relay. The last one of the array moves to its place. */
static void end_relay(struct bridge *bridge, size_t i) {
    if (bridge->on_end) {
        bridge->on_end(bridge->relays[i], bridge->userdata);
    }
    relay_deinit(bridge->relays[i]);
    free(bridge->relays[i]);
    bridge->relays[i] = bridge->relays[--bridge->n_relays];
}

/* Return: whether the client may stay, connected or waiting for a gate. */
static bool connect_gate(struct bridge *bridge, struct relay *relay, int64_t now_ms) {
    int fd = -1;
    int r = dial_open(&fd, bridge->socket_path);

    if (!r) {
        relay_connect(relay, fd, now_ms);
        bridge->cause = 0;
        return true;
    }
    if (now_ms - relay->since_ms < bridge->patience_ms && dial_may_pass(r, bridge->socket_path)) {
        bridge->retry_ms = now_ms + PATIENCE_RETRY_MS;
        return true;
    }
    bridge->cause = -r;
    return false;
}

/* A full gate may end the connection between connect and send. Return: whether the relay goes on. */
static bool begin_relay(struct bridge *bridge, struct relay *relay, int64_t now_ms) {
    static const struct pollfd none[2];

    for (unsigned i = 0; i < BRIDGE_ATTEMPTS; i++) {
        if (!connect_gate(bridge, relay, now_ms)) {
            return false;
        }
        if (relay->gate < 0) {
            return true;
        }
        if (relay_begin(relay)) {
            return relay_pump(relay, none, now_ms);
        }
    }
    bridge->cause = ECONNRESET;
    return false;
}

/* Serves a client that has no gate yet. Return: whether the relay goes on. */
static bool serve_waiting(struct bridge *bridge, struct relay *relay, short revents, int64_t now_ms, bool may_connect) {
    if (!relay_hear(relay, revents, now_ms)) {
        return false;
    }
    if (!relay->wants_gate || !may_connect) {
        return true;
    }
    return begin_relay(bridge, relay, now_ms);
}

/* Return: 0, or a negative errno: no client waits, or a resource is exhausted. */
static int accept_client(struct bridge *bridge, int64_t now_ms) {
    _cleanup_fd_ int fd = accept4(bridge->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct relay *relay;

    if (fd < 0) {
        return errno == ECONNABORTED || errno == EINTR ? 0 : -errno;
    }
    if (bridge->is_private && !owner_is_this_user(fd, OWNER_TABLE)) {
        return 0;
    }
    relay = malloc(sizeof(*relay));
    if (!relay) {
        return -ENOMEM;
    }
    relay_init(relay, fd_take(&fd), now_ms);
    bridge->relays[bridge->n_relays++] = relay;
    if (!serve_waiting(bridge, relay, POLLIN, now_ms, true)) { /* most have sent something already */
        end_relay(bridge, bridge->n_relays - 1);
    }
    return 0;
}

static void accept_clients(struct bridge *bridge, int64_t now_ms) {
    int r = 0;

    for (unsigned i = 0; i < BRIDGE_ACCEPT_BATCH && !r && bridge->n_relays < BRIDGE_MAX_CLIENTS; i++) {
        r = accept_client(bridge, now_ms);
    }
    if (r && r != -EAGAIN) {
        bridge->shortage_until_ms = now_ms + BRIDGE_SHORTAGE_MS;
    }
}

/* ---- all of them ---- */

/* Shortens the wait so that it ends at @due_ms. */
static int until(int64_t due_ms, int64_t now_ms, int timeout_ms) {
    int left_ms = due_ms > now_ms ? (int)(due_ms - now_ms) : 0;

    return timeout_ms < 0 || left_ms < timeout_ms ? left_ms : timeout_ms;
}

/*
 * Fills in the slots of a relay. A missing descriptor takes no slot, since poll(2) refuses more slots than files may be
 * open. Return: the next slot.
 */
static size_t await_relay(struct bridge *bridge, struct relay *relay, size_t slot) {
    struct pollfd pollfds[2];

    relay_await(relay, pollfds);
    relay->slot = slot;
    bridge->pollfds[slot++] = pollfds[0];
    if (relay->gate >= 0) {
        bridge->pollfds[slot++] = pollfds[1];
    }
    return slot;
}

/* Fills in the events to wait for, and their number in @n_slotsp. Return: the time-out. */
static int await(struct bridge *bridge, int64_t now_ms, int timeout_ms, size_t *n_slotsp) {
    bool may_accept = bridge->n_relays < BRIDGE_MAX_CLIENTS && now_ms >= bridge->shortage_until_ms;
    size_t slot = SLOT_RELAYS;

    bridge->pollfds[SLOT_LISTENER] = (struct pollfd){.fd = may_accept ? bridge->listener : -1, .events = POLLIN};
    bridge->pollfds[SLOT_WATCHED] =
        (struct pollfd){.fd = bridge->has_come ? -1 : bridge->watched, .events = bridge->watched_events};
    if (now_ms < bridge->shortage_until_ms) {
        timeout_ms = until(bridge->shortage_until_ms, now_ms, timeout_ms);
    }
    for (size_t i = 0; i < bridge->n_relays; i++) {
        struct relay *relay = bridge->relays[i];

        slot = await_relay(bridge, relay, slot);
        if (relay->gate < 0) {
            int64_t due_ms = relay->wants_gate ? bridge->retry_ms : relay->since_ms + RELAY_SILENCE_MS;

            timeout_ms = until(due_ms, now_ms, timeout_ms);
        } else if (relay_lingers(relay)) {
            timeout_ms = until(relay->since_ms + RELAY_LINGER_MS, now_ms, timeout_ms);
        }
    }
    *n_slotsp = slot;
    return timeout_ms;
}

/* Return: whether the relay goes on. */
static bool serve_relay(struct bridge *bridge, size_t i, int64_t now_ms, bool may_retry) {
    struct relay *relay = bridge->relays[i];
    const struct pollfd *pollfds = &bridge->pollfds[relay->slot];

    if (relay->gate < 0) {
        return serve_waiting(bridge, relay, pollfds[0].revents, now_ms, may_retry || !relay->wants_gate);
    }
    if (relay_lingers(relay) && now_ms - relay->since_ms >= RELAY_LINGER_MS) {
        return false;
    }
    return (pollfds[0].revents | pollfds[1].revents) == 0 || relay_pump(relay, pollfds, now_ms);
}

int bridge_step(struct bridge *bridge, int timeout_ms, const sigset_t *signals) {
    int64_t now_ms = clock_now_ms();
    size_t n_slots;
    int wait_ms = await(bridge, now_ms, timeout_ms, &n_slots);
    struct timespec wait = {.tv_sec = wait_ms / MS_PER_S, .tv_nsec = wait_ms % MS_PER_S * (long)NS_PER_MS};
    bool may_retry;

    if (ppoll(bridge->pollfds, n_slots, wait_ms < 0 ? NULL : &wait, signals) < 0) {
        return -errno;
    }
    now_ms = clock_now_ms();
    may_retry = now_ms >= bridge->retry_ms;
    for (size_t i = bridge->n_relays; i-- > 0;) { /* backwards, for the last one takes the place of one that ends */
        if (!serve_relay(bridge, i, now_ms, may_retry)) {
            end_relay(bridge, i);
        }
    }
    bridge->has_come |= bridge->pollfds[SLOT_WATCHED].revents != 0;
    if (bridge->pollfds[SLOT_LISTENER].revents != 0) {
        accept_clients(bridge, now_ms);
    }
    return 0;
}

int64_t bridge_waited_ms(const struct bridge *bridge) {
    int64_t now_ms = clock_now_ms();
    int64_t longest_ms = 0;

    for (size_t i = 0; i < bridge->n_relays; i++) {
        const struct relay *relay = bridge->relays[i];

        if (relay->gate < 0 && relay->wants_gate && now_ms - relay->since_ms > longest_ms) {
            longest_ms = now_ms - relay->since_ms;
        }
    }
    return longest_ms;
}

void bridge_deinit(struct bridge *bridge) {
    while (bridge->n_relays > 0) {
        end_relay(bridge, bridge->n_relays - 1);
    }
    bridge->listener = fd_close(bridge->listener);
}
