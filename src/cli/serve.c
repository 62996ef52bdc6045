/* SPDX-License-Identifier: Apache-2.0 */

/*
 * git-gate serve: from options to a running server. What is the program's and not the library's happens here: where the
 * token comes from, signals, and what is confined of the whole process.
 */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "access/token.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/announce.h"
#include "cli/cli.h"
#include "cli/repository.h"
#include "cli/status.h"
#include "cli/systemd.h"
#include "cli/token_source.h"
#include "confine/limits.h"
#include "library/config.h"
#include "library/open_files.h"
#include "serve/parent.h"
#include "serve/server.h"

static_assert(TOKEN_MAX_BYTES == 255, "the sentences below say this number");

#define PARENT_SIGNAL SIGRTMIN /* of this program's own, when a parent ends that cannot be watched otherwise */

static void print_help(void) {
    printf("usage: git-gate serve [OPTIONS] [REPOSITORY]\n"
           "\n"
           "Serves one bare git repository over HTTP to whoever carries the token.\n"
           "REPOSITORY is DIR/NAME.git, short for --mirror-root=DIR --scope=NAME; with it and\n"
           "no transport, the gate listens on 127.0.0.1 and a port that the kernel picks.\n"
           "\n"
           "The token comes from --token-file, the variable GIT_GATE_TOKEN, or the file\n"
           "git-gate.token in $CREDENTIALS_DIRECTORY; with none of them a fresh one is made\n"
           "and printed, unless that would be to systemd's journal.\n"
           "\n");
    options_print_help();
}

/* ---- where to listen, what to serve, who may come ---- */

/* sd_listen_fds(3): the socket that systemd has opened before this program began. */
static int take_inherited_socket(struct gate_config *config, struct gate_error *error) {
    int n = systemd_take_sockets();
    char fd[16];

    if (n == -EINVAL) {
        return gate_error_set(error, GATE_E_USAGE,
                              "LISTEN_PID and LISTEN_FDS are not the numbers that systemd sets: unset both, or mend "
                              "what starts git-gate");
    }
    if (n < 0) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the socket that LISTEN_FDS announces cannot be taken over: %s; unset LISTEN_FDS, or "
                              "hand over a socket as descriptor %d",
                              strerror(-n), SYSTEMD_LISTEN_FD);
    }
    if (n > 1) {
        return gate_error_set(error, GATE_E_USAGE, "one socket can be inherited, not %d; give the .socket unit one", n);
    }
    if (n == 0) {
        return 0;
    }
    (void)snprintf(fd, sizeof(fd), "%d", SYSTEMD_LISTEN_FD);
    return gate_config_set(config, "listen-fd", fd, error);
}

static int mint_token(struct gate_config *config, bool *mintedp, struct gate_error *error) {
    char token[TOKEN_MAX_BYTES + 1];
    int r;

    if (config->token_file || config->token) {
        return 0;
    }
    if (log_is_journal(STDOUT_FILENO)) { /* kept for long, and read by others than the one who would use it */
        return gate_error_set(
            error, GATE_E_USAGE,
            "there is no token, and a fresh one would be printed to the journal; give --token-file, or "
            "the credential git-gate.token");
    }
    r = token_mint(token, sizeof(token), token_default_prefix);
    if (r) {
        return gate_error_set(error, GATE_E_INTERNAL, "no random bytes for a token: %s", strerror(-r));
    }
    *mintedp = true;
    r = gate_config_set(config, "token", token, error);
    explicit_bzero(token, sizeof(token));
    return r;
}

static int complete(struct gate_config *config, const char *repository, bool *mintedp, struct gate_error *error) {
    int r = repository ? repository_take(config, repository, error) : 0;

    r = r ? r : take_inherited_socket(config, error);
    if (!r && repository && !config->socket && !config->listen && config->listen_fd < 0) {
        r = gate_config_set(config, "listen", "127.0.0.1:0", error);
    }
    r = r ? r : token_source_take_environment(config, "--token-file", error);
    token_source_forget_environment();
    r = r ? r : token_source_take_credentials(config, error);
    return r ? r : mint_token(config, mintedp, error);
}

/* ---- running ---- */

/* A running program: its server, and what systemd hears of it. */
struct program {
    struct loop loop;
    struct server server;
    struct status status;
    bool parent_is_foreign;
    int signal_fd;
    struct loop_io signal_io;
};

static void on_stop(struct program *program, unsigned signal) {
    struct server *server = &program->server;

    log_record(&server->log, LOG_LEVEL_NOTICE, "stopping",
               LOG_FIELDS(log_number("signal", signal), log_number("connections", server->n_connections),
                          log_number("backends", server->n_backends)));
    status_stopping(&program->status);
    server_stop(server);
}

static void on_signal(uint32_t events, void *userdata) {
    struct program *program = userdata;
    struct signalfd_siginfo info;

    (void)events;
    while (read(program->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            server_reap_orphans(&program->server);
        } else if (info.ssi_signo == (uint32_t)PARENT_SIGNAL) {
            parent_ended(&program->server);
        } else {
            on_stop(program, info.ssi_signo);
        }
    }
}

/*
 * Signals come in through the loop; SIGPIPE and SIGXFSZ do not come at all, a write that fails says so itself. SIGCHLD
 * must not be ignored, as a parent may have left it, or children could not be waited for; it is looked at only by a gate
 * that is the init of its container, to which orphans fall.
 */
static int watch_signals(struct program *program) {
    sigset_t watched;
    sigset_t blocked;

    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGTERM);
    (void)sigaddset(&watched, SIGINT);
    if (program->parent_is_foreign) {
        (void)sigaddset(&watched, PARENT_SIGNAL);
    }
    if (getpid() == 1) {
        (void)sigaddset(&watched, SIGCHLD);
    }
    blocked = watched;
    (void)sigaddset(&blocked, SIGPIPE);
    (void)sigaddset(&blocked, SIGXFSZ);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    program->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (program->signal_fd < 0) {
        return -errno;
    }
    return loop_watch(&program->loop, &program->signal_io, program->signal_fd, EPOLLIN, on_signal, program);
}

/* What is confined of the whole process, as it is the program's own; the rest is of the thread that serves. */
static int confine_process(const struct server_settings *settings, struct log *log, struct gate_error *error) {
    int inherited_fd = settings->listener.inherited_fd;
    int r = settings->confine == CONFINE_OFF ? 0 : limits_hide_process();

    if (!r && settings->confine != CONFINE_OFF) {
        r = limits_close_inherited(inherited_fd >= 0 ? inherited_fd + 1 : STDERR_FILENO + 1);
    }
    if (r && settings->confine == CONFINE_REQUIRE) {
        return gate_error_set(error, GATE_E_START,
                              "--confine=require, but what git-gate was started with cannot be given up: %s; "
                              "--confine=auto goes without",
                              strerror(-r));
    }
    if (r) {
        log_record(log, LOG_LEVEL_WARNING, "what git-gate was started with cannot be given up",
                   LOG_FIELDS(log_string("error", strerror(-r))));
    }
    return 0;
}

/*
 * A parent in another PID namespace has no number here that a server could watch. Then the kernel is asked for a signal of
 * this program's own at the end of the parent's thread that forked. Whether it ended before, nothing tells.
 */
static int watch_foreign_parent(struct program *program, struct server_settings *settings, struct gate_error *error) {
    sigset_t signal;

    if (!settings->die_with_parent || settings->parent != 0) {
        return 0;
    }
    program->parent_is_foreign = true;
    (void)sigemptyset(&signal);
    (void)sigaddset(&signal, PARENT_SIGNAL);
    (void)pthread_sigmask(SIG_BLOCK, &signal, NULL); /* it is not lost either when it comes before the loop turns */
    if (prctl(PR_SET_PDEATHSIG, PARENT_SIGNAL, 0, 0, 0) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "--die-with-parent, but the kernel does not tell of the parent's end: %s",
                              strerror(errno));
    }
    settings->die_with_parent = false;
    return 0;
}

/* From the start to the end of serving. */
static int serve(struct program *program, const struct server_settings *settings, const struct log *log, bool minted,
                 struct gate_error *error) {
    struct server *server = &program->server;
    int r = server_start(server, settings, log, &program->loop, error);

    if (r) {
        return r;
    }
    announce(server, minted);
    status_ready(&program->status);
    r = loop_run(&program->loop);
    status_stopping(&program->status);
    server_deinit(server);
    return r < 0 ? gate_error_set(error, GATE_E_INTERNAL, "the event loop failed: %s", strerror(-r)) : 0;
}

static void end(struct program *program) {
    status_deinit(&program->status);
    loop_unwatch(&program->signal_io);
    program->signal_fd = fd_close(program->signal_fd);
    loop_deinit(&program->loop);
}

static int begin(struct program *program) {
    int r = loop_init(&program->loop);

    r = r ? r : watch_signals(program);
    status_init(&program->status, &program->server, &program->loop);
    return r;
}

static int run(const struct gate_config *config, struct server_settings *settings, bool minted,
               struct gate_error *error) {
    _cleanup_(end) struct program program = {
        .loop = LOOP_NONE, .server = {.listener = LISTENER_NONE}, .status = STATUS_NONE, .signal_fd = -1};
    struct log log;
    int r;

    log_init(&log, settings->log_fd, settings->log_level, settings->log_format);
    log.secret = settings->policy.token;
    config_warn(config, &log);
    r = watch_foreign_parent(&program, settings, error);
    r = r ? r : confine_process(settings, &log, error);
    if (r) {
        return r;
    }
    log_reopen(&log); /* behind confine_process(), which closes what is not known */
    r = begin(&program);
    if (r) {
        return gate_error_set(error, GATE_E_INTERNAL, "no event loop: %s", strerror(-r));
    }
    open_files_provide(settings, &log, true);
    r = serve(&program, settings, &log, minted, error);
    if (!r) {
        log_message(&log, LOG_LEVEL_NOTICE, "stopped");
    }
    return r;
}

static void free_config(struct gate_config **configp) {
    gate_config_free(*configp);
}

int cli_serve(int argc, char *argv[]) {
    _cleanup_(free_config) struct gate_config *config = NULL;
    struct server_settings settings;
    struct gate_error error = {0};
    const char *repository;
    const pid_t parent = getppid(); /* first of all, lest it end in between and somebody else have its place */
    bool wants_help;
    bool minted = false;
    int r;

    if (gate_config_new(&config) < 0 || gate_config_set(config, "log-fd", "2", NULL) != 0) {
        (void)gate_error_set(&error, GATE_E_INTERNAL, "out of memory");
        return cli_fail(&error);
    }
    r = options_parse(config, argc, argv, &repository, &wants_help, &error);
    if (!r && wants_help) {
        print_help();
        return 0;
    }
    r = r ? r : complete(config, repository, &minted, &error);
    r = r ? r : config_resolve(config, &settings, &error);
    settings.parent = parent;
    r = r ? r : run(config, &settings, minted, &error);
    return r ? cli_fail(&error) : 0;
}
