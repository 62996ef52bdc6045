/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "backend/environ.h"
#include "backend/git.h"
#include "backend/hooks.h"
#include "backend/repository.h"
#include "base/buffer.h"
#include "base/log.h"
#include "confine/confine.h"
#include "http/reply.h"
#include "serve/advertisement_cache.h"
#include "serve/listener.h"
#include "serve/loop.h"
#include "serve/settings.h"
#include "serve/turns.h"

struct exchange;
LIST_HEAD(exchange_list, exchange);

enum {
    GATE_LARGE_BYTES =
        64 * 1024,               /* request bytes in flight of a connection, response bytes of an exchange: as a pipe */
    GATE_WIRE_BYTES = 10 * 1024, /* response heads, chunk heads, the gate's own replies */
};

/**
 * enum gate_stage - the life of a gate, in this order; server.c alone changes it
 *
 * GATE_SERVING:  clients are accepted.
 * GATE_DRAINING: none is; running requests may finish until the drain timeout.
 * GATE_ENDING:   pushes that have not come whole see the end of their input, all else got SIGTERM;
 *                SERVER_HANGUP_TIMEOUT_MS.
 * GATE_TELLING:  all got SIGTERM; SERVER_TERMINATE_TIMEOUT_MS.
 * GATE_KILLING:  they got SIGKILL; SERVER_KILL_TIMEOUT_MS.
 * GATE_STOPPED:  the loop has returned, or is about to.
 */
enum gate_stage {
    GATE_SERVING,
    GATE_DRAINING,
    GATE_ENDING,
    GATE_TELLING,
    GATE_KILLING,
    GATE_STOPPED,
    GATE_STAGE_COUNT,
};

/**
 * struct gate - the parts of a gate that every file of this room may read; it has no behaviour of its own
 * @settings: of the caller's, who keeps them until server_deinit()
 * @environ: settings.environ with what was found at start
 * @policy: what a repository may do
 * @is_partial: the one repository is a partial clone
 * @listener: @listener.address is what clients connect to
 * @confine: what is in force
 * @served: the folder of the one repository, as it was at start; confinement.c's own
 * @hooks: which of --hooks-path could be executed at start
 * @advertisements: responses that are kept
 * @turns: who gets a process; its counts are of requests
 * @exchanges: those whose process is not gone yet
 * @n_requests: so far; the last one's id
 * @large_pool, @wire_pool: memory of these sizes, for buffers
 * @date: the Date field of the second in which it was last asked for
 */
struct gate {
    const struct server_settings *settings;
    struct environ_settings environ;
    struct git git;
    struct repository_policy policy;
    bool is_partial;
    struct log log;
    struct loop *loop;
    enum gate_stage stage;
    struct listener listener;
    struct confine confine;
    struct stat served;
    struct hooks hooks;
    struct advertisement_cache advertisements;
    struct turns turns;
    struct exchange_list exchanges;
    uint64_t n_requests;
    struct buffer_pool large_pool;
    struct buffer_pool wire_pool;
    struct reply_date date;
};
