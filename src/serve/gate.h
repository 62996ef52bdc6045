/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "backend/environ.h"
#include "backend/git.h"
#include "backend/hooks.h"
#include "backend/hostile_repository.h"
#include "backend/rule_hooks.h"
#include "base/buffer.h"
#include "base/log.h"
#include "confine/confine.h"
#include "http/reply.h"
#include "serve/advertisement_cache.h"
#include "serve/listener.h"
#include "serve/loop.h"
#include "serve/move_stream.h"
#include "serve/settings.h"
#include "serve/turns.h"

struct exchange;
LIST_HEAD(exchange_list, exchange);

enum {
    GATE_LARGE_BYTES = 64 * 1024, /* input of a connection, output of an exchange; the size of a pipe */
    GATE_WIRE_BYTES = 10 * 1024,  /* response heads, chunk heads, replies */
};

/**
 * enum gate_stage - the stages of a gate, in this order; only server.c changes the stage
 *
 * GATE_SERVING:  clients are accepted.
 * GATE_DRAINING: no client is accepted; running requests may finish, until the drain timeout.
 * GATE_ENDING:   incomplete pushes got the end of their input, all other processes SIGTERM. Lasts
 *                SERVER_HANGUP_TIMEOUT_MS.
 * GATE_TELLING:  all processes got SIGTERM. Lasts SERVER_TERMINATE_TIMEOUT_MS.
 * GATE_KILLING:  all processes got SIGKILL. Lasts SERVER_KILL_TIMEOUT_MS.
 * GATE_STOPPED:  the loop has returned, or is about to.
 *
 * A gate that has no connection and no process left stops at once.
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
 * struct gate_served - facts about a repository of --scope at start
 * @device, @inode: of its folder; private to confinement.c
 * @is_partial: it is a partial clone
 */
struct gate_served {
    dev_t device;
    ino_t inode;
    bool is_partial;
};

/**
 * struct gate - the parts of a gate that every file of this room may read; it has no functions
 * @settings: kept by the caller until server_deinit()
 * @environ: settings.environ, completed at start with facts about git and the confinement
 * @policy: the things that a repository may make git do
 * @moves: the records of pushes, for a program that reacts to them
 * @listener: the listening socket; clients connect to @listener.address
 * @confine: the confinement that is in force
 * @served: the repositories in the order of --scope; unused with --scope=*
 * @hooks: the hooks of --hooks-path that could be executed at start
 * @rules: the rules of --rules, to which @environ.rules points; NULL for none
 * @rule_hooks: the place of git-gate-hook, if there are rules, or old tips are kept
 * @advertisements: the cache of advertisements
 * @turns: the queue for processes; it counts requests
 * @exchanges: the exchanges that @turns counts
 * @n_requests: the number of requests so far, which is also the id of the last one
 * @large_pool, @wire_pool: pools of buffers of these sizes
 * @date: the Date field, composed at most once a second
 */
struct gate {
    const struct server_settings *settings;
    struct environ_settings environ;
    struct git git;
    struct hostile_repository_policy policy;
    struct log log;
    struct move_stream moves;
    struct loop *loop;
    enum gate_stage stage;
    struct listener listener;
    struct confine confine;
    struct gate_served served[SETTINGS_SCOPES_MAX];
    struct hooks hooks;
    char *rules;
    struct rule_hooks rule_hooks;
    struct advertisement_cache advertisements;
    struct turns turns;
    struct exchange_list exchanges;
    uint64_t n_requests;
    struct buffer_pool large_pool;
    struct buffer_pool wire_pool;
    struct reply_date date;
};
