/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs one server as a program. It handles what concerns the whole process: signals, confinement of the process, the
 * end of a parent that a server cannot watch, and messages to systemd. The library must do none of these.
 */

#include "cli/program.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/process.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/announce.h"
#include "cli/reload.h"
#include "cli/systemd_messages.h"
#include "confine/limits.h"
#include "library/open_files.h"
#include "serve/server.h"

#define PARENT_SIGNAL SIGRTMIN /* the kernel sends it when a parent ends that cannot be watched otherwise */

/* A running program: its server, and its status for systemd. @had_terminal: standard error was one at start */
struct program {
    struct gate_config *config;
    struct loop loop;
    struct server server;
    struct systemd_messages systemd;
    bool parent_is_foreign;
    bool had_terminal;
    int signal_fd;
    struct loop_io signal_io;
    sigset_t altered_signals;
};

static void on_stop(struct program *program, unsigned signal) {
    struct server *server = &program->server;

    log_record(&server->gate.log, LOG_LEVEL_NOTICE, "stopping",
               LOG_FIELDS(log_number("signal", signal), log_number("connections", server->crowd.n_connections),
                          log_number("backends", server->gate.turns.n_running)));
    systemd_messages_stopping(&program->systemd);
    server_stop(server);
}

/* SIGHUP ends the gate if the terminal that shows the log was closed, as it ends any program. Otherwise it reloads. */
static void on_hangup(struct program *program) {
    if (program->had_terminal && !isatty(STDERR_FILENO)) {
        on_stop(program, SIGHUP);
    } else {
        reload(program->config, &program->server.gate);
    }
}

static void on_signal(uint32_t events, void *userdata) {
    struct program *program = userdata;
    struct signalfd_siginfo info;

    (void)events;
    while (read(program->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            server_reap_orphans(&program->server);
        } else if (info.ssi_signo == (uint32_t)PARENT_SIGNAL) {
            server_parent_ended(&program->server);
        } else if (info.ssi_signo == SIGHUP) {
            on_hangup(program);
        } else {
            on_stop(program, info.ssi_signo);
        }
    }
}

/*
 * The loop receives signals. SIGPIPE and SIGXFSZ are ignored: a failing write returns an error. SIGCHLD must not be
 * ignored, even if the parent left it so, or children could not be waited for. Only a gate that is the init of its
 * container handles it, since it inherits orphans.
 */
static int watch_signals(struct program *program) {
    sigset_t watched;
    sigset_t blocked;

    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGTERM);
    (void)sigaddset(&watched, SIGINT);
    (void)sigaddset(&watched, SIGHUP);
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

/* Confines the process as a whole. The server confines its thread. */
static int confine_process(const struct server_settings *settings, struct log *log, struct gate_error *error) {
    int inherited_fd = settings->listener.inherited_fd;
    const char *call = "close_range";
    int r = settings->confine == CONFINE_OFF ? 0 : limits_hide_process(&call);

    if (!r && settings->confine != CONFINE_OFF) {
        r = limits_close_inherited(inherited_fd >= 0 ? inherited_fd + 1 : STDERR_FILENO + 1);
    }
    if (r && settings->confine == CONFINE_REQUIRE) {
        return gate_error_set(error, GATE_E_START,
                              "--confine=require, but the process's memory cannot be hidden, or inherited descriptors "
                              "cannot be closed: %s: %s%s; --confine=auto continues all the same",
                              call, strerror(-r), error_advice(-r));
    }
    if (r) {
        log_record(log, LOG_LEVEL_WARNING,
                   "the process's memory cannot be hidden, or inherited descriptors cannot be closed",
                   LOG_FIELDS(log_string("call", call), log_string("error", strerror(-r))));
    }
    return 0;
}

/*
 * A parent in another PID namespace has no process id here that a server could watch. Then the kernel is asked for a
 * signal when the parent's thread that forked ends. Nothing tells whether it ended before this call.
 */
static int watch_foreign_parent(struct program *program, struct server_settings *settings, struct gate_error *error) {
    sigset_t signal;

    if (!settings->die_with_parent || settings->parent != 0) {
        return 0;
    }
    program->parent_is_foreign = true;
    (void)sigemptyset(&signal);
    (void)sigaddset(&signal, PARENT_SIGNAL);
    (void)pthread_sigmask(SIG_BLOCK, &signal, NULL); /* so it is not lost if it comes before the loop runs */
    if (prctl(PR_SET_PDEATHSIG, PARENT_SIGNAL, 0, 0, 0) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "--die-with-parent is not possible: the kernel does not report the parent's end: %s",
                              strerror(errno));
    }
    settings->die_with_parent = false;
    return 0;
}

/* Serves, from start to end. */
static int serve(struct program *program, const struct server_settings *settings, const struct log *log, bool minted,
                 struct gate_error *error) {
    struct server *server = &program->server;
    int r = server_start(server, settings, log, &program->loop, error);

    if (r) {
        return r;
    }
    announce(server, minted);
    systemd_messages_ready(&program->systemd);
    r = loop_run(&program->loop);
    systemd_messages_stopping(&program->systemd);
    server_deinit(server);
    return r < 0 ? gate_error_set(error, GATE_E_INTERNAL, "the event loop failed: %s", strerror(-r)) : 0;
}

static void end(struct program *program) {
    systemd_messages_deinit(&program->systemd);
    loop_unwatch(&program->signal_io);
    program->signal_fd = fd_close(program->signal_fd);
    loop_deinit(&program->loop);
}

static int begin(struct program *program) {
    int r = loop_init(&program->loop);

    r = r ? r : watch_signals(program);
    systemd_messages_init(&program->systemd, &program->server, &program->loop);
    return r;
}

int program_run(struct gate_config *config, bool minted, struct gate_error *error) {
    _cleanup_(end) struct program program = {
        .config = config,
        .loop = LOOP_NONE,
        .server = SERVER_NONE,
        .systemd = SYSTEMD_MESSAGES_NONE,
        .had_terminal = isatty(STDERR_FILENO),
        .signal_fd = -1,
    };
    struct server_settings *settings = &config->settings;
    struct log log;
    int r;

    log_init(&log, settings->log_fd, settings->log_level, settings->log_format);
    log.secrets = settings->policy.tokens;
    log.n_secrets = TOKEN_COUNT_MAX;
    config_warn(config, &log);
    r = watch_foreign_parent(&program, settings, error);
    r = r ? r : confine_process(settings, &log, error);
    if (r) {
        return r;
    }
    log_reopen(&log); /* after confine_process(), which closes descriptors that it does not know */
    r = begin(&program);
    if (r) {
        return gate_error_set(error, GATE_E_INTERNAL, "no event loop: %s", strerror(-r));
    }
    open_files_provide(settings, &log, true);
    process_find_altered_signals(&program.altered_signals); /* behind watch_signals(), the last to change any */
    settings->altered_signals = &program.altered_signals;
    r = serve(&program, settings, &log, minted, error);
    if (!r) {
        log_message(&log, LOG_LEVEL_NOTICE, "stopped");
    }
    return r;
}
