/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Puts a gate together, and stops it in stages. Callbacks report that a connection or a process has gone; a server that
 * is stopping ends when none is left. This file handles no bytes, and does not decide which client or request gets in:
 * crowd.c and turns.c do.
 */

#include "serve/server.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "serve/confinement.h"
#include "serve/exchange.h"
#include "serve/startup.h"

static const char *const stage_names[] = {
    [GATE_SERVING] = "serving", [GATE_DRAINING] = "draining", [GATE_ENDING] = "ending",
    [GATE_TELLING] = "telling", [GATE_KILLING] = "killing",   [GATE_STOPPED] = "stopped",
};
static_assert(sizeof(stage_names) / sizeof(stage_names[0]) == GATE_STAGE_COUNT, "every stage has a name");

/* ---- stopping ---- */

static void on_stage_timeout(void *userdata);

static void enter_stage(struct server *server, enum gate_stage stage, uint64_t timeout_us) {
    struct gate *gate = &server->gate;

    gate->stage = stage;
    log_record(&gate->log, LOG_LEVEL_DEBUG, stage_names[stage],
               LOG_FIELDS(log_number("connections", server->crowd.n_connections),
                          log_number("backends", gate->turns.n_running)));
    if (stage == GATE_STOPPED) {
        loop_timer_clear(&server->stage_timer);
        loop_exit(gate->loop);
    } else {
        loop_timer_set(gate->loop, &server->stage_timer, gate->loop->now_us + timeout_us, on_stage_timeout, server);
    }
}

static void stop_if_done(struct server *server) {
    const enum gate_stage stage = server->gate.stage;

    if (stage != GATE_SERVING && stage != GATE_STOPPED && server->crowd.n_connections == 0 &&
        server->gate.turns.n_running == 0) {
        enter_stage(server, GATE_STOPPED, 0);
    }
}

/* Ends all requests. exchange_release() decides how each process ends. */
static void end_requests(struct server *server) {
    enter_stage(server, GATE_ENDING, SERVER_HANGUP_TIMEOUT_MS * US_PER_MS);
    crowd_end(&server->crowd, "the gate stopped before the request was done; see --drain-timeout");
}

static void signal_all(struct server *server, enum gate_stage stage, uint64_t timeout_ms,
                       void (*send)(struct exchange *exchange)) {
    struct exchange *exchange;

    enter_stage(server, stage, timeout_ms * US_PER_MS);
    LIST_FOREACH(exchange, &server->gate.exchanges, entry) {
        send(exchange);
    }
}

static void on_stage_timeout(void *userdata) {
    struct server *server = userdata;

    switch (server->gate.stage) {
    case GATE_DRAINING:
        end_requests(server);
        break;
    case GATE_ENDING:
        signal_all(server, GATE_TELLING, SERVER_TERMINATE_TIMEOUT_MS, exchange_terminate);
        break;
    case GATE_TELLING:
        signal_all(server, GATE_KILLING, SERVER_KILL_TIMEOUT_MS, exchange_kill);
        break;
    default:
        enter_stage(server, GATE_STOPPED, 0);
    }
    stop_if_done(server);
}

static void stop_accepting(struct server *server) {
    crowd_stop(&server->crowd);
    listener_close(&server->gate.listener);
}

void server_stop(struct server *server) {
    stop_accepting(server);
    if (server->gate.stage == GATE_SERVING) {
        enter_stage(server, GATE_DRAINING, server->gate.settings->drain_timeout_s * US_PER_S);
        crowd_drain(&server->crowd);
    } else if (server->gate.stage == GATE_DRAINING) {
        end_requests(server);
    }
    stop_if_done(server);
}

/* A gate that is already stopping continues: the parent may have asked for that, and a second stop ends the drain. */
void server_parent_ended(struct server *server) {
    log_message(&server->gate.log, LOG_LEVEL_NOTICE, "the process that started git-gate has ended");
    if (server->gate.stage == GATE_SERVING) {
        server_stop(server);
    }
}

/* ---- orphans ---- */

static bool owns(const struct server *server, pid_t pid) {
    const struct exchange *exchange;

    LIST_FOREACH(exchange, &server->gate.exchanges, entry) {
        if (exchange_owns(exchange, pid)) {
            return true;
        }
    }
    return false;
}

/*
 * Stops at a child that an exchange will reap, because waitid(2) shows no other child before that. The end of that
 * exchange calls this function again.
 */
void server_reap_orphans(struct server *server) {
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           !owns(server, info.si_pid)) {
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
    server->orphans_wait = info.si_pid != 0;
}

/* ---- callbacks from below ---- */

static void on_connection_end(void *userdata) {
    stop_if_done(userdata);
}

static void on_process_end(void *userdata) {
    struct server *server = userdata;

    if (server->orphans_wait) {
        server_reap_orphans(server);
    }
    stop_if_done(server);
}

static void on_shut(void *userdata) {
    server_stop(userdata);
}

static void on_parent_end(void *userdata) {
    server_parent_ended(userdata);
}

/* ---- begin and end ---- */

static void init(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop) {
    *server = SERVER_NONE;
    server->gate.settings = settings;
    server->gate.environ = settings->environ;
    server->gate.log = *log;
    server->gate.loop = loop;
    move_stream_init(&server->gate.moves, settings->moves_fd, log, loop);
    server->gate.confine = CONFINE_NONE;
    server->gate.large_pool.capacity = GATE_LARGE_BYTES;
    server->gate.wire_pool.capacity = GATE_WIRE_BYTES;
    LIST_INIT(&server->gate.exchanges);
    turns_init(&server->gate.turns, settings->max_backends, settings->max_connections, on_process_end, server);
    crowd_init(&server->crowd, &server->gate, on_connection_end, on_shut, server);
}

/* Adds the facts found at start to git's environment. */
static void complete_environ(struct gate *gate) {
    gate->environ.search_path = gate->git.search_path;
    gate->environ.exec_path = gate->git.exec_path;
    /* git refuses a body as large as its limit. */
    gate->environ.max_request_bytes = gate->settings->max_negotiation_bytes + 1;
}

/* Writes the names with commas between them; "..." stands for those that do not fit. */
static void list_scopes(char *list, size_t size, char *const *scopes) {
    const size_t room = size - sizeof(",...");
    size_t used = 0;

    for (; *scopes; scopes++) {
        const char *comma = used ? "," : "";

        if (used + strlen(comma) + strlen(*scopes) > room) {
            (void)snprintf(list + used, size - used, "%s...", comma);
            return;
        }
        used += (size_t)snprintf(list + used, size - used, "%s%s", comma, *scopes);
    }
}

static void log_serving(struct gate *gate) {
    const struct server_settings *settings = gate->settings;
    char scopes[LOG_VALUE_MAX + 1];

    list_scopes(scopes, sizeof(scopes), settings->policy.scopes);
    log_record(&gate->log, LOG_LEVEL_NOTICE, "serving",
               LOG_FIELDS(log_string("address", gate->listener.address),
                          log_string("mirror_root", settings->environ.mirror_root), log_string("scope", scopes),
                          log_string("read_only", settings->policy.read_only ? "yes" : "no"),
                          log_string("git", gate->git.exec_path), log_string("version", GIT_GATE_VERSION)));
}

int server_start(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop, struct gate_error *error) {
    struct gate *gate = &server->gate;
    int r;

    init(server, settings, log, loop);
    r = startup_examine(gate, error);
    r = r ? r : listener_open(&gate->listener, &settings->listener, error);
    r = r ? r : crowd_start(&server->crowd, error);
    if (!r && settings->die_with_parent) {
        r = parent_watch(&server->parent, loop, settings->parent, on_parent_end, server, error);
    }
    r = r ? r : confinement_enter(gate, error);
    gate->policy.follows_links = gate->confine.landlock_abi == 0;
    if (r) {
        server_deinit(server);
        return r;
    }
    hooks_look(&gate->hooks, settings->environ.hooks_path);
    startup_warn(gate);
    (void)malloc_trim(0); /* the filter of system calls took 200 KiB while it was built */
    complete_environ(gate);
    advertisement_cache_init(&gate->advertisements, &gate->environ, settings->advertisement_cache);
    log_serving(gate);
    return 0;
}

void server_deinit(struct server *server) {
    struct gate *gate = &server->gate;

    gate->stage = GATE_STOPPED;
    stop_accepting(server);
    parent_unwatch(&server->parent);
    crowd_deinit(&server->crowd);
    exchange_abandon_all(gate);
    move_stream_deinit(&gate->moves);
    loop_timer_clear(&server->stage_timer);
    confine_deinit(&gate->confine);
    advertisement_cache_deinit(&gate->advertisements);
    buffer_pool_empty(&gate->large_pool);
    buffer_pool_empty(&gate->wire_pool);
    git_deinit(&gate->git);
    rule_hooks_deinit(&gate->rule_hooks);
    free(gate->rules);
    gate->rules = NULL;
    gate->environ.rules = NULL;
}
