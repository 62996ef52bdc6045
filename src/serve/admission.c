/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns who gets in: which clients are accepted, and who gives way when all connections are taken. A crowd that has proved nothing must not keep out who holds the token, and running out of descriptors or
 * memory pauses accepting and never spins.
 */

#include "serve/admission.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "serve/connection.h"
#include "serve/server.h"

/* ---- who gives way ---- */

/* What a client has to lose, the least first. */
enum claim {
    CLAIM_UNPROVEN, /* no request of it has passed the checks yet, or its last answer has gone out */
    CLAIM_IDLE,     /* kept open, with nothing going on */
    CLAIM_PROVEN,   /* in the middle of a request for which nothing was started */
    CLAIM_STAYS,    /* waits for a process or has one */
};

static enum claim claim_of(const struct connection *connection) {
    switch (connection->state) {
    case CONNECTION_QUEUED:
    case CONNECTION_EXCHANGE:
        return CLAIM_STAYS;
    case CONNECTION_IDLE:
        return connection->is_proven ? CLAIM_IDLE : CLAIM_UNPROVEN;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
    case CONNECTION_REPLYING:
        return connection->is_proven ? CLAIM_PROVEN : CLAIM_UNPROVEN;
    case CONNECTION_LINGERING:
    case CONNECTION_CLOSED:
    case CONNECTION_STATE_COUNT:
        break;
    }
    return CLAIM_UNPROVEN;
}

/*
 * The one with the least claim, of these the one that has been heard longest ago. @is_crowdp: most have proved nothing.
 * Return: NULL when none gives way.
 */
static struct connection *find_least(const struct server *server, bool *is_crowdp) {
    struct connection *least = NULL;
    struct connection *connection;
    enum claim least_claim = CLAIM_STAYS;
    uint64_t n_unproven = 0;

    LIST_FOREACH(connection, &server->connections, entry) { /* the newest first */
        enum claim claim = claim_of(connection);

        n_unproven += claim == CLAIM_UNPROVEN;
        if (claim < least_claim || (least && claim == least_claim && connection->heard_us <= least->heard_us)) {
            least_claim = claim;
            least = connection;
        }
    }
    *is_crowdp = n_unproven > server->n_connections / 2;
    return least;
}

/* Whether it has had the time to say something since it was accepted, or answered: less where nobody does. */
static bool has_had_its_time(const struct connection *connection, bool is_crowd) {
    uint64_t grace_ms = is_crowd ? ADMISSION_CROWD_GRACE_MS : ADMISSION_GRACE_MS;

    return connection->gate->loop->now_us >= connection->heard_us + grace_ms * US_PER_MS;
}

/* ---- accepting ---- */

static bool is_full(const struct server *server) {
    return server->n_connections >= server->gate.settings->max_connections;
}

static void set_accepting(struct server *server, bool accepting) {
    if (loop_is_watched(&server->accept_io) && server->is_accepting != accepting) {
        loop_modify(&server->accept_io, accepting ? EPOLLIN : 0);
        server->is_accepting = accepting;
    }
}

void admission_resume(struct server *server) {
    if (!server->is_paused) {
        set_accepting(server, true);
    }
}

static void on_pause_over(void *userdata) {
    struct server *server = userdata;

    server->is_paused = false;
    set_accepting(server, true);
}

/* Whether it is time for another record about a shortage that goes on. */
static bool may_log(const struct server *server, uint64_t *logged_usp) {
    uint64_t now_us = server->gate.loop->now_us;

    if (*logged_usp != 0 && now_us - *logged_usp < ADMISSION_LOG_INTERVAL_S * US_PER_S) {
        return false;
    }
    *logged_usp = now_us;
    return true;
}

static void pause_accepting(struct server *server, uint64_t pause_ms) {
    loop_timer_set(server->gate.loop, &server->pause_timer, server->gate.loop->now_us + pause_ms * US_PER_MS,
                   on_pause_over, server);
    server->is_paused = true;
    set_accepting(server, false);
}

/* Return: 0, -EAGAIN when nobody waits, another errno when the system is out of something. */
static int accept_one(struct server *server) {
    struct connection *connection;
    char peer[INET6_ADDRSTRLEN];
    _cleanup_fd_ int fd = -1;
    int r = listener_accept(&server->gate.listener, &fd, peer, sizeof(peer));

    if (r == -ECONNABORTED || r == -EINTR || r == -EPERM) {
        return 0; /* the client's or a firewall's affair: accept(2) */
    }
    if (r) {
        return r;
    }
    r = connection_new(&connection, server, fd, peer);
    if (r) {
        return r;
    }
    (void)fd_take(&fd);
    LIST_INSERT_HEAD(&server->connections, connection, entry);
    server->n_connections++;
    if (server->n_connections_peak < server->n_connections) {
        server->n_connections_peak = server->n_connections;
    }
    connection_begin(connection);
    return 0;
}

/* All places are taken and somebody waits. Return: whether there is a place now. */
static bool make_room(struct server *server) {
    bool is_crowd;
    struct connection *least = find_least(server, &is_crowd);

    if (!least) {
        set_accepting(server, false); /* further ones wait in the backlog */
        return false;
    }
    if (!has_had_its_time(least, is_crowd)) {
        pause_accepting(server, ADMISSION_CROWD_GRACE_MS);
        return false;
    }
    if (connection_hear_out(least)) {
        return false; /* a busy gate can be later than its client; who gives way is asked anew in the next round */
    }
    if (may_log(server, &server->full_logged_us)) {
        log_record(&server->gate.log, LOG_LEVEL_WARNING,
                   "all connections are taken, so those give way on which nothing is asked; see --max-connections",
                   LOG_FIELDS(log_number("connections", server->n_connections)));
    }
    connection_end(least, "the connection gave way to another one; see --max-connections");
    return true;
}

static void on_client(uint32_t events, void *userdata) {
    struct server *server = userdata;
    int r = 0;

    if (events & EPOLLHUP) {
        log_message(&server->gate.log, LOG_LEVEL_ERROR,
                    "the socket was shut down by who has handed it over, so that nobody can come any more; stopping");
        server_stop(server);
        return;
    }
    if (is_full(server) && !make_room(server)) {
        return;
    }
    for (unsigned i = 0; i < ADMISSION_ACCEPT_BATCH && !r && !is_full(server); i++) {
        r = accept_one(server);
    }
    if (r && r != -EAGAIN) {
        if (may_log(server, &server->pause_logged_us)) {
            log_record(&server->gate.log, LOG_LEVEL_ERROR, "a client cannot be accepted, pausing",
                       LOG_FIELDS(log_string("error", strerror(-r)), log_number("connections", server->n_connections)));
        }
        pause_accepting(server, ADMISSION_PAUSE_MS);
    }
}

int admission_start(struct server *server, struct gate_error *error) {
    int r = loop_watch(server->gate.loop, &server->accept_io, server->gate.listener.fd, EPOLLIN, on_client, server);

    server->is_accepting = r == 0;
    return r ? gate_error_set(error, GATE_E_INTERNAL, "cannot watch the socket: %s", strerror(-r)) : 0;
}

void admission_stop(struct server *server) {
    loop_unwatch(&server->accept_io);
    loop_timer_clear(&server->pause_timer);
}
