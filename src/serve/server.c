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
#include <time.h>
#include <unistd.h>

#include "access/token.h"
#include "serve/admission.h"
#include "serve/confinement.h"
#include "serve/left_locks.h"
#include "serve/parent.h"

static const char *const stage_names[] = {
    [SERVER_SERVING] = "serving", [SERVER_DRAINING] = "draining", [SERVER_ENDING] = "ending",
    [SERVER_TELLING] = "telling", [SERVER_KILLING] = "killing",   [SERVER_STOPPED] = "stopped",
};
static_assert(TOKEN_SHORT_BYTES == 16, "a sentence below says this number");
static_assert((int)CONNECTION_INPUT_BYTES == (int)EXCHANGE_OUTPUT_BYTES, "both are of one pool");
static_assert(sizeof(stage_names) / sizeof(stage_names[0]) == SERVER_STAGE_COUNT, "every stage has a name");

uint64_t server_now_us(const struct server *server) {
    return server->loop->now_us;
}

const char *server_date(struct server *server) {
    return reply_date(&server->date, time(NULL));
}

/* ---- stopping ---- */

static void on_stage_timeout(void *userdata);

static void enter_stage(struct server *server, enum server_stage stage, uint64_t timeout_us) {
    server->stage = stage;
    log_record(
        &server->log, LOG_LEVEL_DEBUG, stage_names[stage],
        LOG_FIELDS(log_number("connections", server->n_connections), log_number("backends", server->n_backends)));
    if (stage == SERVER_STOPPED) {
        loop_timer_clear(&server->stage_timer);
        loop_exit(server->loop);
    } else {
        loop_timer_set(server->loop, &server->stage_timer, server_now_us(server) + timeout_us, on_stage_timeout,
                       server);
    }
}

static void stop_if_done(struct server *server) {
    if (server->stage != SERVER_SERVING && server->stage != SERVER_STOPPED && server->n_connections == 0 &&
        server->n_backends == 0) {
        enter_stage(server, SERVER_STOPPED, 0);
    }
}

/* Ends all requests; how their processes end is exchange_release()'s. */
static void end_requests(struct server *server) {
    struct connection *connection;

    enter_stage(server, SERVER_ENDING, SERVER_HANGUP_TIMEOUT_MS * US_PER_MS);
    while ((connection = LIST_FIRST(&server->connections))) {
        connection_end(connection, "the gate stopped before the request was done; see --drain-timeout");
    }
}

static void signal_all(struct server *server, enum server_stage stage, uint64_t timeout_ms,
                       void (*send)(struct exchange *exchange)) {
    struct exchange *exchange;

    enter_stage(server, stage, timeout_ms * US_PER_MS);
    LIST_FOREACH(exchange, &server->exchanges, entry) {
        send(exchange);
    }
}

static void on_stage_timeout(void *userdata) {
    struct server *server = userdata;

    switch (server->stage) {
    case SERVER_DRAINING:
        end_requests(server);
        break;
    case SERVER_ENDING:
        signal_all(server, SERVER_TELLING, SERVER_TERMINATE_TIMEOUT_MS, exchange_terminate);
        break;
    case SERVER_TELLING:
        signal_all(server, SERVER_KILLING, SERVER_KILL_TIMEOUT_MS, exchange_kill);
        break;
    default:
        enter_stage(server, SERVER_STOPPED, 0);
    }
    stop_if_done(server);
}

static void stop_accepting(struct server *server) {
    admission_stop(server);
    listener_close(&server->listener);
}

static void drain(struct server *server) {
    struct connection *connection = LIST_FIRST(&server->connections);

    enter_stage(server, SERVER_DRAINING, server->settings->drain_timeout_s * US_PER_S);
    while (connection) {
        struct connection *next = LIST_NEXT(connection, entry); /* the pump may free the one, never another */

        connection_drain(connection);
        connection = next;
    }
}

void server_stop(struct server *server) {
    stop_accepting(server);
    if (server->stage == SERVER_SERVING) {
        drain(server);
    } else if (server->stage == SERVER_DRAINING) {
        end_requests(server);
    }
    stop_if_done(server);
}

static bool owns(const struct server *server, pid_t pid) {
    const struct exchange *exchange;

    LIST_FOREACH(exchange, &server->exchanges, entry) {
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
    uint64_t now_us = server_now_us(server);

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

void server_backend_started(struct server *server, struct exchange *exchange) {
    LIST_INSERT_HEAD(&server->exchanges, exchange, entry);
    server->n_backends++;
}

void server_backend_ended(struct server *server, struct exchange *exchange) {
    LIST_REMOVE(exchange, entry);
    server->n_backends--;
    if (server->orphans_wait) {
        server_reap_orphans(server);
    }
    admission_serve_queue(server);
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
    const struct server_settings *settings = server->settings;
    struct repository_finding finding;
    char path[PATH_MAX];
    int r;

    server->policy = (struct repository_policy){.git_config = settings->environ.git_config,
                                                .alternates = settings->alternates,
                                                .allow_paths = settings->allow_paths,
                                                .is_local = true,
                                                .follows_links = settings->confine == CONFINE_OFF};
    if (strcmp(settings->policy.scope, "*") == 0) {
        r = git_ask_version(&server->git, error);
        server->policy.is_local = server->git.stays_local;
        return r;
    }
    (void)snprintf(path, sizeof(path), "%s/%s.git", settings->environ.mirror_root, settings->policy.scope);
    r = repository_examine(&finding, &server->policy, path);
    server->is_partial = finding.is_partial;
    server->policy.is_local = false;
    if (r == 0 && finding.is_partial) {
        r = git_ask_version(&server->git, error);
        if (r) {
            return r;
        }
        server->policy.is_local = server->git.stays_local;
        r = repository_examine(&finding, &server->policy, path);
    }
    return r == 0  ? 0
           : r > 0 ? gate_error_set(error, GATE_E_USAGE, "'%s' is not served: %s", path, finding.reason)
                   : gate_error_set(error, GATE_E_INTERNAL, "cannot look at '%s': %s", path, strerror(-r));
}

/* What will fail, or be passed over, although serving can begin. */
static void warn(struct server *server) {
    const struct server_settings *settings = server->settings;
    const char *hooks = settings->environ.hooks_path;
    const char *ignored = hooks ? hooks_find_ignored(hooks) : NULL;
    char path[PATH_MAX];

    if (strlen(settings->policy.token) < TOKEN_SHORT_BYTES) {
        log_message(&server->log, LOG_LEVEL_WARNING,
                    "the token is shorter than 16 characters and can be guessed; 'git-gate mint' makes a better one");
    }
    if (server->listener.lock_was_taken) {
        log_record(&server->log, LOG_LEVEL_WARNING,
                   "a program holds a lock on the folder of the socket, so the gate started without it; "
                   "'fuser -v FOLDER' may name that program",
                   LOG_FIELDS(log_string("socket", server->listener.path)));
    }
    if (ignored) {
        log_record(&server->log, LOG_LEVEL_WARNING, "git passes over a hook that may not be executed; chmod +x it",
                   LOG_FIELDS(log_string("hooks_path", hooks), log_string("hook", ignored)));
    }
    if (server->is_partial) {
        log_message(&server->log, LOG_LEVEL_WARNING,
                    "the repository is a partial clone, so a fetch of objects that are not in it fails; make it whole "
                    "with 'git fetch --refetch --no-filter', or serve another clone");
    }
    if (!settings->policy.read_only && strcmp(settings->policy.scope, "*") != 0 &&
        snprintf(path, sizeof(path), "%s/%s.git/objects", settings->environ.mirror_root, settings->policy.scope) <
            (int)sizeof(path) &&
        access(path, W_OK) != 0) {
        log_record(&server->log, LOG_LEVEL_WARNING,
                   "the repository cannot be written to, so pushes will fail; become its owner, or say --read-only",
                   LOG_FIELDS(log_string("objects", path), log_string("error", strerror(errno))));
    }
}

/* Landlock knows no chmod(2), and the mode of a file is its owner's. */
static void warn_of_owned_hooks(struct server *server) {
    const char *hooks = server->settings->environ.hooks_path;
    bool matters = hooks && server->settings->confine != CONFINE_OFF && !server->settings->policy.read_only;
    const char *owned = matters ? hooks_find_owned(hooks, geteuid()) : NULL;

    if (owned) {
        log_record(
            &server->log, LOG_LEVEL_WARNING,
            "git's user owns the hooks, and no confinement keeps an owner from chmod, so a push that was taken over "
            "can switch them off; give them to another user, with mode 755",
            LOG_FIELDS(log_string("hooks_path", hooks), log_string("hook", owned)));
    }
}

static void log_serving(struct server *server) {
    const struct server_settings *settings = server->settings;

    log_record(&server->log, LOG_LEVEL_NOTICE, "serving",
               LOG_FIELDS(log_string("address", server->listener.address),
                          log_string("mirror_root", settings->environ.mirror_root),
                          log_string("scope", settings->policy.scope),
                          log_string("read_only", settings->policy.read_only ? "yes" : "no"),
                          log_string("git", server->git.exec_path), log_string("version", GIT_GATE_VERSION)));
}

int server_start(struct server *server, const struct server_settings *settings, const struct log *log,
                 struct loop *loop, struct gate_error *error) {
    int r;

    *server = (struct server){
        .settings = settings,
        .environ = settings->environ,
        .log = *log,
        .loop = loop,
        .parent_fd = -1,
        .listener = LISTENER_NONE,
        .confine = CONFINE_NONE,
        .large_pool = {.capacity = CONNECTION_INPUT_BYTES},
        .wire_pool = {.capacity = CONNECTION_WIRE_BYTES},
    };
    LIST_INIT(&server->connections);
    LIST_INIT(&server->exchanges);
    TAILQ_INIT(&server->queue);
    r = check_repository(settings, error);
    r = r ? r : git_find(&server->git, error);
    r = r ? r : examine_repository(server, error);
    r = r ? r : listener_open(&server->listener, &settings->listener, error);
    r = r ? r : admission_start(server, error);
    r = r || !settings->die_with_parent ? r : parent_watch(server, error);
    r = r ? r : confinement_enter(server, error);
    server->policy.follows_links = server->confine.landlock_abi == 0;
    if (r) {
        server_deinit(server);
        return r;
    }
    hooks_look(&server->hooks, settings->environ.hooks_path);
    warn(server);
    warn_of_owned_hooks(server);
    left_locks_warn(server);
    (void)malloc_trim(0); /* what a filter of system calls is made of takes 200 KiB, once */
    server->environ.search_path = server->git.search_path;
    server->environ.exec_path = server->git.exec_path;
    server->environ.max_request_bytes = settings->max_negotiation_bytes + 1; /* git refuses as much as its limit */
    advertisement_cache_init(&server->advertisements, &server->environ, settings->advertisement_cache);
    log_serving(server);
    return 0;
}

void server_deinit(struct server *server) {
    struct connection *connection;
    struct exchange *exchange;

    server->stage = SERVER_STOPPED;
    stop_accepting(server);
    parent_unwatch(server);
    while ((connection = LIST_FIRST(&server->connections))) {
        connection_free(connection);
    }
    while ((exchange = LIST_FIRST(&server->exchanges))) {
        exchange_abandon(exchange);
    }
    loop_timer_clear(&server->stage_timer);
    confine_deinit(&server->confine);
    advertisement_cache_deinit(&server->advertisements);
    buffer_pool_deinit(&server->large_pool);
    buffer_pool_deinit(&server->wire_pool);
    git_deinit(&server->git);
}
