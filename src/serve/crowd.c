/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accepts clients. When --max-connections are open, it decides which one gives way, which means that it is closed for a
 * new client. Clients without the token must not keep out a client that has it. When descriptors or memory run out,
 * accepting pauses; it must not spin. When clients have left, it gives memory back.
 */

#include "serve/crowd.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "base/fd.h"

/* ---- which connection gives way ---- */

/* How much a client would lose by giving way, from least to most. */
enum claim {
    CLAIM_UNPROVEN, /* no request of the client has passed the checks, or its last response has been sent */
    CLAIM_IDLE,     /* it keeps the connection open between requests */
    CLAIM_PROVEN,   /* it is in the middle of a request that has no process and does not queue */
    CLAIM_STAYS,    /* its request queues for a process or has one */
};

static enum claim claim_of(const struct conversation *conversation) {
    switch (conversation->state) {
    case CONVERSATION_QUEUED:
    case CONVERSATION_EXCHANGE:
        return CLAIM_STAYS;
    case CONVERSATION_IDLE:
        return conversation->is_proven ? CLAIM_IDLE : CLAIM_UNPROVEN;
    case CONVERSATION_HEAD:
    case CONVERSATION_BODY:
    case CONVERSATION_REPLYING:
        return conversation->is_proven ? CLAIM_PROVEN : CLAIM_UNPROVEN;
    case CONVERSATION_LINGERING:
    case CONVERSATION_CLOSED:
    case CONVERSATION_STATE_COUNT:
        break;
    }
    return CLAIM_UNPROVEN;
}

/*
 * Finds the connection with the least claim, and among equals the one with the earliest heard_us.
 * @is_crowdp: receives whether more than half of the claims are CLAIM_UNPROVEN
 *
 * Return: NULL when none gives way.
 */
static struct connection *find_least(const struct crowd *crowd, bool *is_crowdp) {
    struct connection *least = NULL;
    struct connection *connection;
    enum claim least_claim = CLAIM_STAYS;
    uint64_t n_unproven = 0;

    LIST_FOREACH(connection, &crowd->connections, entry) { /* newest first */
        enum claim claim = claim_of(&connection->conversation);

        n_unproven += claim == CLAIM_UNPROVEN;
        if (claim < least_claim ||
            (least && claim == least_claim && connection->conversation.heard_us <= least->conversation.heard_us)) {
            least_claim = claim;
            least = connection;
        }
    }
    *is_crowdp = n_unproven > crowd->n_connections / 2;
    return least;
}

/* Whether a client has had time to send something since heard_us. In a crowd of unproven clients it gets less time. */
static bool has_had_its_time(const struct conversation *conversation, bool is_crowd) {
    uint64_t grace_ms = is_crowd ? CROWD_SHORT_GRACE_MS : CROWD_GRACE_MS;

    return conversation->gate->loop->now_us >= conversation->heard_us + grace_ms * US_PER_MS;
}

/* ---- accepting ---- */

static bool is_full(const struct crowd *crowd) {
    return crowd->n_connections >= crowd->gate->settings->max_connections;
}

static void set_accepting(struct crowd *crowd, bool accepting) {
    if (loop_is_watched(&crowd->accept_io) && crowd->is_accepting != accepting) {
        loop_modify(&crowd->accept_io, accepting ? EPOLLIN : 0);
        crowd->is_accepting = accepting;
    }
}

/* Called when a connection has ended, or one could give way now. */
static void resume(void *userdata) {
    struct crowd *crowd = userdata;

    if (!crowd->is_paused) {
        set_accepting(crowd, true);
    }
}

static void on_pause_over(void *userdata) {
    struct crowd *crowd = userdata;

    crowd->is_paused = false;
    set_accepting(crowd, true);
}

/* Whether a shortage may be logged: a lasting one is logged only from time to time. */
static bool may_log(const struct crowd *crowd, uint64_t *logged_usp) {
    uint64_t now_us = crowd->gate->loop->now_us;

    if (*logged_usp != 0 && now_us - *logged_usp < CROWD_LOG_INTERVAL_S * US_PER_S) {
        return false;
    }
    *logged_usp = now_us;
    return true;
}

static void pause_accepting(struct crowd *crowd, uint64_t pause_ms) {
    loop_timer_set(crowd->gate->loop, &crowd->pause_timer, crowd->gate->loop->now_us + pause_ms * US_PER_MS,
                   on_pause_over, crowd);
    crowd->is_paused = true;
    set_accepting(crowd, false);
}

/* Return: 0; -EAGAIN when no client waits; another negative errno when descriptors or memory have run out. */
static int accept_one(struct crowd *crowd) {
    struct connection *connection;
    char client[INET6_ADDRSTRLEN];
    _cleanup_fd_ int fd = -1;
    int r = listener_accept(&crowd->gate->listener, &fd, client, sizeof(client));

    if (r == -ECONNABORTED || r == -EINTR || r == -EPERM) {
        return 0; /* the client or a firewall caused it: accept(2) */
    }
    if (r) {
        return r;
    }
    r = connection_new(&connection, crowd->gate, &crowd->owner, fd, client);
    if (r) {
        return r;
    }
    (void)fd_take(&fd);
    LIST_INSERT_HEAD(&crowd->connections, connection, entry);
    crowd->n_connections++;
    if (crowd->n_connections_peak < crowd->n_connections) {
        crowd->n_connections_peak = crowd->n_connections;
    }
    connection_begin(connection);
    return 0;
}

/* Closes a connection for a client that waits, because all connections are taken. Return: whether there is room now. */
static bool make_room(struct crowd *crowd) {
    bool is_crowd;
    struct connection *least = find_least(crowd, &is_crowd);

    if (!least) {
        set_accepting(crowd, false); /* more clients wait in the backlog */
        return false;
    }
    if (!has_had_its_time(&least->conversation, is_crowd)) {
        pause_accepting(crowd, CROWD_SHORT_GRACE_MS);
        return false;
    }
    if (connection_hear_out(least)) {
        return false; /* the client was in time, the busy gate was not; the next round chooses again */
    }
    if (may_log(crowd, &crowd->full_logged_us)) {
        log_record(&crowd->gate->log, LOG_LEVEL_WARNING,
                   "all connections are taken, so inactive ones are closed for new clients; see --max-connections",
                   LOG_FIELDS(log_number("connections", crowd->n_connections)));
    }
    connection_end(least, "the connection was closed for a new client; see --max-connections");
    return true;
}

static void on_client(uint32_t events, void *userdata) {
    struct crowd *crowd = userdata;
    int r = 0;

    if (events & EPOLLHUP) {
        log_message(&crowd->gate->log, LOG_LEVEL_ERROR,
                    "the socket was shut down by another program, so no client can connect any more; stopping");
        crowd->on_shut(crowd->userdata);
        return;
    }
    if (is_full(crowd) && !make_room(crowd)) {
        return;
    }
    for (unsigned i = 0; i < CROWD_ACCEPT_BATCH && !r && !is_full(crowd); i++) {
        r = accept_one(crowd);
    }
    if (r && r != -EAGAIN) {
        if (may_log(crowd, &crowd->pause_logged_us)) {
            log_record(&crowd->gate->log, LOG_LEVEL_ERROR, "a client cannot be accepted, pausing",
                       LOG_FIELDS(log_string("error", strerror(-r)), log_number("connections", crowd->n_connections)));
        }
        pause_accepting(crowd, CROWD_PAUSE_MS);
    }
}

/* ---- the end of connections ---- */

static void give_memory_back(void *userdata) {
    struct crowd *crowd = userdata;

    buffer_pool_empty(&crowd->gate->large_pool);
    buffer_pool_empty(&crowd->gate->wire_pool);
    (void)malloc_trim(0);
    crowd->n_connections_peak = crowd->n_connections;
}

/*
 * The allocator keeps freed memory that lies between memory in use. It is asked to return that memory when half of the
 * connections have ended. After few connections this happens CROWD_TRIM_DELAY_S later, so a lone client does not cause
 * it each time it leaves. The spare buffers of the pools are freed first.
 */
static void consider_memory(struct crowd *crowd) {
    struct loop *loop = crowd->gate->loop;

    if (crowd->n_connections > crowd->n_connections_peak / 2) {
        return;
    }
    if (crowd->n_connections_peak >= CROWD_MANY) {
        give_memory_back(crowd);
    } else if (!loop_timer_is_set(&crowd->trim_timer)) {
        loop_timer_set(loop, &crowd->trim_timer, loop->now_us + CROWD_TRIM_DELAY_S * US_PER_S, give_memory_back, crowd);
    }
}

static void on_connection_end(struct connection *connection, void *userdata) {
    struct crowd *crowd = userdata;

    LIST_REMOVE(connection, entry);
    crowd->n_connections--;
    consider_memory(crowd);
    resume(crowd);
    crowd->on_end(crowd->userdata);
}

void crowd_drain(struct crowd *crowd) {
    struct connection *connection = LIST_FIRST(&crowd->connections);

    while (connection) {
        struct connection *next = LIST_NEXT(connection, entry); /* the pump may free this one, but no other */

        connection_drain(connection);
        connection = next;
    }
}

void crowd_end(struct crowd *crowd, const char *reason) {
    struct connection *connection;

    while ((connection = LIST_FIRST(&crowd->connections))) {
        connection_end(connection, reason);
    }
}

/* ---- begin and end ---- */

void crowd_init(struct crowd *crowd, struct gate *gate, void (*on_end)(void *userdata), void (*on_shut)(void *userdata),
                void *userdata) {
    *crowd = (struct crowd){
        .gate = gate,
        .on_end = on_end,
        .on_shut = on_shut,
        .userdata = userdata,
        .owner = {.on_change = resume, .on_end = on_connection_end, .userdata = crowd},
    };
    LIST_INIT(&crowd->connections);
}

int crowd_start(struct crowd *crowd, struct gate_error *error) {
    int r = loop_watch(crowd->gate->loop, &crowd->accept_io, crowd->gate->listener.fd, EPOLLIN, on_client, crowd);

    crowd->is_accepting = r == 0;
    return r ? gate_error_set(error, GATE_E_INTERNAL, "cannot watch the socket: %s", strerror(-r)) : 0;
}

void crowd_stop(struct crowd *crowd) {
    loop_unwatch(&crowd->accept_io);
    loop_timer_clear(&crowd->pause_timer);
}

void crowd_deinit(struct crowd *crowd) {
    struct connection *connection;

    crowd_stop(crowd);
    while ((connection = LIST_FIRST(&crowd->connections))) {
        connection_free(connection);
    }
    loop_timer_clear(&crowd->trim_timer); /* the end of a connection may have set it */
}
