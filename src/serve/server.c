/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns a gate as a whole: what it is made of, what it counts, and the stages of stopping. It knows nothing of bytes, and
 * leaves to admission.c who gets in.
 */

#include "serve/server.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/token.h"
#include "serve/admission.h"
#include "serve/confinement.h"
#include "serve/left_locks.h"
#include "serve/parent.h"

static const char *const stage_names[] = {
    [GATE_SERVING] = "serving", [GATE_DRAINING] = "draining", [GATE_ENDING] = "ending",
    [GATE_TELLING] = "telling", [GATE_KILLING] = "killing",   [GATE_STOPPED] = "stopped",
};
static_assert(TOKEN_SHORT_BYTES == 16, "a sentence below says this number");
static_assert(sizeof(stage_names) / sizeof(stage_names[0]) == GATE_STAGE_COUNT, "every stage has a name");

/* ---- stopping ---- */

static void on_stage_timeout(void *userdata);

static void enter_stage(struct server *server, enum gate_stage stage, uint64_t timeout_us) {
    server->gate.stage = stage;
    log_record(&server->gate.log, LOG_LEVEL_DEBUG, stage_names[stage],
               LOG_FIELDS(log_number("connections", server->n_connections),
                          log_number("backends", server->gate.turns.n_running)));
    if (stage == GATE_STOPPED) {
        loop_timer_clear(&server->stage_timer);
        loop_exit(server->gate.loop);
    } else {
        loop_timer_set(server->gate.loop, &server->stage_timer, server->gate.loop->now_us + timeout_us,
                       on_stage_timeout, server);
    }
}

static void stop_if_done(struct server *server) {
    if (server->gate.stage != GATE_SERVING && server->gate.stage != GATE_STOPPED && server->n_connections == 0 &&
        server->gate.turns.n_running == 0) {
        enter_stage(server, GATE_STOPPED, 0);
    }
}

/* Ends all requests; how their processes end is exchange_release()'s. */
static void end_requests(struct server *server) {
    struct connection *connection;

    enter_stage(server, GATE_ENDING, SERVER_HANGUP_TIMEOUT_MS * US_PER_MS);
    while ((connection = LIST_FIRST(&server->connections))) {
        connection_end(connection, "the gate stopped before the request was done; see --drain-timeout");
    }
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
    admission_stop(server);
    listener_close(&server->gate.listener);
}

static void drain(struct server *server) {
    struct connection *connection = LIST_FIRST(&server->connections);

    enter_stage(server, GATE_DRAINING, server->gate.settings->drain_timeout_s * US_PER_S);
    while (connection) {
        struct connection *next = LIST_NEXT(connection, entry); /* the pump may free the one, never another */

        connection_drain(connection);
        connection = next;
    }
}

void server_stop(struct server *server) {
    stop_accepting(server);
    if (server->gate.stage == GATE_SERVING) {
        drain(server);
    } else if (server->gate.stage == GATE_DRAINING) {
        end_requests(server);
    }
    stop_if_done(server);
}

static bool owns(const struct server *server, pid_t pid) {
    const struct exchange *exchange;

    LIST_FOREACH(exchange, &server->gate.exchanges, entry) {
        if (exchange_owns(exchange, pid)) {
            return true;
        }
    }
    return false;
}

/* Stops at a child that an exchange is about to reap, which hides those behind it: the exchange's end goes on with them. */
void server_reap_orphans(struct server *server) {
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           !owns(server, info.si_pid)) {
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
    server->orphans_wait = info.si_pid != 0;
}

/* ---- what ends ---- */

/*
 * The allocator keeps what a crowd has used, in pieces between what is still in use. It is asked to give it back when half
 * of the crowd has gone; a lone client is no reason to ask at each of its connections.
 */
static void give_memory_back(struct server *server) {
    uint64_t now_us = server->gate.loop->now_us;

    if (server->n_connections <= server->n_connections_peak / 2 &&
        (server->n_connections_peak >= SERVER_CROWD ||
         now_us - server->trimmed_us >= SERVER_TRIM_INTERVAL_S * US_PER_S)) {
        (void)malloc_trim(0);
        server->n_connections_peak = server->n_connections;
        server->trimmed_us = now_us;
    }
}

void server_connection_ended(struct server *server, struct connection *connection) {
    LIST_REMOVE(connection, entry);
    server->n_connections--;
    give_memory_back(server);
    admission_resume(server);
    stop_if_done(server);
}

static void on_process_end(void *userdata) {
    struct server *server = userdata;

    if (server->orphans_wait) {
        server_reap_orphans(server);
    }
    stop_if_done(server);
}

/* ---- begin and end ---- */

static int check_repository(const struct server_settings *settings, struct gate_error *error) {
    char path[PATH_MAX];
    int size;

    if (strcmp(settings->policy.scope, "*") == 0) {
        return 0; /* which there are is seen at each request */
    }
    size = snprintf(path, sizeof(path), "%s/%s.git", settings->environ.mirror_root, settings->policy.scope);
    if (size < 0 || (size_t)size >= sizeof(path)) {
        return gate_error_set(error, GATE_E_USAGE, "the path of --mirror-root and --scope is too long");
    }
    return git_check_repository(path, settings->environ.trust_owner, error);
}

/* A repository may be a partial clone only where git is known to do without what is missing. */
static int examine_repository(struct server *server, struct gate_error *error) {
    const struct server_settings *settings = server->gate.settings;
    struct repository_finding finding;
    char path[PATH_MAX];
    int r;

    server->gate.policy = (struct repository_policy){.git_config = settings->environ.git_config,
                                                     .alternates = settings->alternates,
                                                     .allow_paths = settings->allow_paths,
                                                     .is_local = true};
    if (strcmp(settings->policy.scope, "*") == 0) {
        r = git_ask_version(&server->gate.git, error);
        server->gate.policy.is_local = server->gate.git.stays_local;
        return r;
    }
    (void)snprintf(path, sizeof(path), "%s/%s.git", settings->environ.mirror_root, settings->policy.scope);
    r = repository_examine(&finding, &server->gate.policy, path);
    server->gate.is_partial = finding.is_partial;
    server->gate.policy.is_local = false;
    if (r == 0 && finding.is_partial) {
        r = git_ask_version(&server->gate.git, error);
        if (r) {
            return r;
        }
        server->gate.policy.is_local = server->gate.git.stays_local;
        r = repository_examine(&finding, &server->gate.policy, path);
    }
    return r == 0  ? 0
           : r > 0 ? gate_error_set(error, GATE_E_USAGE, "'%s' is not served: %s", path, finding.reason)
                   : gate_error_set(error, GATE_E_INTERNAL, "cannot look at '%s': %s", path, strerror(-r));
}

/* What will fail, or be passed over, although serving can begin. */
static void warn(struct server *server) {
    const struct server_settings *settings = server->gate.settings;
    const char *hooks = settings->environ.hooks_path;
    const char *ignored = hooks ? hooks_find_ignored(hooks) : NULL;
    char path[PATH_MAX];

    if (strlen(settings->policy.token) < TOKEN_SHORT_BYTES) {
        log_message(&server->gate.log, LOG_LEVEL_WARNING,
                    "the token is shorter than 16 characters and can be guessed; 'git-gate mint' makes a better one");
    }
    if (server->gate.listener.lock_was_taken) {
        log_record(&server->gate.log, LOG_LEVEL_WARNING,
                   "a program holds a lock on the folder of the socket, so the gate started without it; "
                   "'fuser -v FOLDER' may name that program",
                   LOG_FIELDS(log_string("socket", server->gate.listener.path)));
    }
    if (ignored) {
        log_record(&server->gate.log, LOG_LEVEL_WARNING, "git passes over a hook that may not be executed; chmod +x it",
                   LOG_FIELDS(log_string("hooks_path", hooks), log_string("hook", ignored)));
    }
    if (server->gate.is_partial) {
        log_message(&server->gate.log, LOG_LEVEL_WARNING,
                    "the repository is a partial clone, so a fetch of objects that are not in it fails; make it whole "
                    "with 'git fetch --refetch --no-filter', or serve another clone");
    }
    if (!settings->policy.read_only && strcmp(settings->policy.scope, "*") != 0 &&
        snprintf(path, sizeof(path), "%s/%s.git/objects", settings->environ.mirror_root, settings->policy.scope) <
            (int)sizeof(path) &&
        access(path, W_OK) != 0) {
        log_record(&server->gate.log, LOG_LEVEL_WARNING,
                   "the repository cannot be written to, so pushes will fail; become its owner, or say --read-only",
                   LOG_FIELDS(log_string("objects", path), log_string("error", strerror(errno))));
    }
}

/* Landlock knows no chmod(2), and the mode of a file is its owner's. */
static void warn_of_owned_hooks(struct server *server) {
    const char *hooks = server->gate.settings->environ.hooks_path;
    bool matters = hooks && server->gate.settings->confine != CONFINE_OFF && !server->gate.settings->policy.read_only;
    const char *owned = matters ? hooks_find_owned(hooks, geteuid()) : NULL;

    if (owned) {
        log_record(
            &server->gate.log, LOG_LEVEL_WARNING,
            "git's user owns the hooks, and no confinement keeps an owner from chmod, so a push that was taken over "
            "can switch them off; give them to another user, with mode 755",
            LOG_FIELDS(log_string("hooks_path", hooks), log_string("hook", owned)));
    }
}

static void log_serving(struct server *server) {
    const struct server_settings *settings = server->gate.settings;

    log_record(&server->gate.log, LOG_LEVEL_NOTICE, "serving",
               LOG_FIELDS(log_string("address", server->gate.listener.address),
                          log_string("mirror_root", settings->environ.mirror_root),
                          log_string("scope", settings->policy.scope),
                          log_string("read_only", settings->policy.read_only ? "yes" : "no"),
                          log_string("git", server->gate.git.exec_path), log_string("version", GIT_GATE_VERSION)));
}

int server_start(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop, struct gate_error *error) {
    int r;

    *server = (struct server){
        .gate =
            {
                .settings = settings,
                .environ = settings->environ,
                .log = *log,
                .loop = loop,
                .listener = LISTENER_NONE,
                .confine = CONFINE_NONE,
                .large_pool = {.capacity = GATE_LARGE_BYTES},
                .wire_pool = {.capacity = GATE_WIRE_BYTES},
            },
        .parent_fd = -1,
    };
    LIST_INIT(&server->connections);
    LIST_INIT(&server->gate.exchanges);
    turns_init(&server->gate.turns, settings->max_backends, settings->max_connections, on_process_end, server);
    r = check_repository(settings, error);
    r = r ? r : git_find(&server->gate.git, error);
    r = r ? r : examine_repository(server, error);
    r = r ? r : listener_open(&server->gate.listener, &settings->listener, error);
    r = r ? r : admission_start(server, error);
    r = r || !settings->die_with_parent ? r : parent_watch(server, error);
    r = r ? r : confinement_enter(&server->gate, error);
    if (r) {
        server_deinit(server);
        return r;
    }
    hooks_look(&server->gate.hooks, settings->environ.hooks_path);
    warn(server);
    warn_of_owned_hooks(server);
    left_locks_warn(&server->gate);
    (void)malloc_trim(0); /* what a filter of system calls is made of takes 200 KiB, once */
    server->gate.environ.search_path = server->gate.git.search_path;
    server->gate.environ.exec_path = server->gate.git.exec_path;
    server->gate.environ.max_request_bytes = settings->max_negotiation_bytes + 1; /* git refuses as much as its limit */
    advertisement_cache_init(&server->gate.advertisements, &server->gate.environ, settings->advertisement_cache);
    log_serving(server);
    return 0;
}

void server_deinit(struct server *server) {
    struct connection *connection;
    struct exchange *exchange;

    server->gate.stage = GATE_STOPPED;
    stop_accepting(server);
    parent_unwatch(server);
    while ((connection = LIST_FIRST(&server->connections))) {
        connection_free(connection);
    }
    while ((exchange = LIST_FIRST(&server->gate.exchanges))) {
        exchange_abandon(exchange);
    }
    loop_timer_clear(&server->stage_timer);
    confine_deinit(&server->gate.confine);
    advertisement_cache_deinit(&server->gate.advertisements);
    buffer_pool_deinit(&server->gate.large_pool);
    buffer_pool_deinit(&server->gate.wire_pool);
    git_deinit(&server->gate.git);
}
