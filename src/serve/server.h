/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "backend/git.h"
#include "backend/hooks.h"
#include "backend/repository.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "confine/confine.h"
#include "http/reply.h"
#include "serve/advertisement_cache.h"
#include "serve/connection.h"
#include "serve/exchange.h"
#include "serve/listener.h"
#include "serve/loop.h"
#include "serve/settings.h"

enum {
    SERVER_CROWD = 16,                  /* connections at whose end memory is given back at once */
    SERVER_TRIM_INTERVAL_S = 1,         /* between giving memory back behind fewer */
    SERVER_HANGUP_TIMEOUT_MS = 500,     /* at the end of a drain: for pushes that have not come whole, to SIGTERM */
    SERVER_TERMINATE_TIMEOUT_MS = 2000, /* from SIGTERM to SIGKILL: git needs a moment to remove its lock files */
    SERVER_KILL_TIMEOUT_MS = 500,       /* from SIGKILL to giving up */
};

/**
 * enum server_stage - the life of a server, in this order
 *
 * SERVER_SERVING:  clients are accepted.
 * SERVER_DRAINING: none is; running requests may finish until the drain timeout.
 * SERVER_ENDING:   pushes that have not come whole see the end of their input, all else got SIGTERM;
 *                  SERVER_HANGUP_TIMEOUT_MS.
 * SERVER_TELLING:  all got SIGTERM; SERVER_TERMINATE_TIMEOUT_MS.
 * SERVER_KILLING:  they got SIGKILL; SERVER_KILL_TIMEOUT_MS.
 * SERVER_STOPPED:  the loop has returned, or is about to.
 */
enum server_stage {
    SERVER_SERVING,
    SERVER_DRAINING,
    SERVER_ENDING,
    SERVER_TELLING,
    SERVER_KILLING,
    SERVER_STOPPED,
    SERVER_STAGE_COUNT,
};

/**
 * struct server - a gate that serves
 * @settings: of the caller's, who keeps them until server_deinit()
 * @environ: settings.environ with what was found at start
 * @policy: what a repository may do
 * @is_partial: the one repository is a partial clone
 * @listener: @listener.address is what clients connect to
 * @confine: what is in force
 * @served: the folder of the one repository, as it was at start; confinement.c's own
 * @hooks: which of --hooks-path could be executed at start
 * @n_connections_peak: the most there were since memory was last given back
 * @n_backends: exchanges whose process is not gone yet
 * @large_pool, @wire_pool: memory for what comes from clients and from git, and for the wire
 */
struct server {
    const struct server_settings *settings;
    struct environ_settings environ;
    struct git git;
    struct repository_policy policy;
    bool is_partial;
    struct log log;
    struct loop *loop;
    enum server_stage stage;
    struct listener listener;
    struct confine confine;
    struct stat served;
    struct hooks hooks;
    struct connection_list connections;
    uint64_t n_connections;
    uint64_t n_connections_peak;
    struct advertisement_cache advertisements;
    struct exchange_list exchanges;
    uint64_t n_backends;
    struct connection_queue queue;
    uint64_t n_queued;
    uint64_t n_requests;

    struct buffer_pool large_pool;
    struct buffer_pool wire_pool;

    /* the rest is server.c's, admission.c's and parent.c's own */
    struct reply_date date;
    bool is_accepting;
    struct loop_io accept_io;
    struct loop_timer pause_timer;
    bool is_paused;
    uint64_t pause_logged_us;
    uint64_t full_logged_us;
    uint64_t trimmed_us;
    struct loop_timer stage_timer;
    bool orphans_wait; /* behind a child of an exchange's, to be reaped when that is */
    int parent_fd;
    struct loop_io parent_io;
    struct loop_task parent_task;
};

/**
 * server_start() - find git, look at the repository, listen, confine the calling thread
 * @server: filled on success
 * @settings: kept by the caller until server_deinit()
 * @log: copied
 * @loop: to serve on, kept by the caller until server_deinit()
 * @error: filled on failure
 *
 * The calling thread must have SIGPIPE and SIGXFSZ blocked or ignored, and must be the one that runs the loop. What is
 * served is in the log: the record "serving", the last one of a start.
 *
 * Return: 0, GATE_E_*.
 */
int server_start(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop, struct gate_error *error);

/**
 * server_stop() - stop: the first call drains, the second one ends the drain, and further ones change nothing
 *
 * loop_run() returns when nothing is left.
 */
void server_stop(struct server *server);

/** server_reap_orphans() - reap ended children that are no exchange's own, for a gate that is init: getpid() is 1 */
void server_reap_orphans(struct server *server);

/** server_deinit() - free everything; what still runs is killed */
void server_deinit(struct server *server);

/** server_now_us() - monotonic time of the event that is being handled */
uint64_t server_now_us(const struct server *server);

/* For connections and exchanges. */

/** server_date() - the value of a Date field, now */
const char *server_date(struct server *server);

/** server_backend_started() - a process of @exchange runs, and counts as one of --max-backends */
void server_backend_started(struct server *server, struct exchange *exchange);

/** server_backend_ended() - it has been reaped; whoever waits for a process may have one. @exchange is not used again. */
void server_backend_ended(struct server *server, struct exchange *exchange);

/** server_connection_ended() - its place is free; @connection is not used again */
void server_connection_ended(struct server *server, struct connection *connection);
