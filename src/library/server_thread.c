/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a server with its own loop inside another program, on one thread, which the server may confine. It must not
 * raise a limit, and must not read the environment after its start.
 */

#include "library/server_thread.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "library/open_files.h"

static void on_stop(uint32_t events, void *userdata) {
    struct server_thread *thread = userdata;
    uint64_t n_stops = 0;

    (void)events;
    if (read(thread->stop_io.fd, &n_stops, sizeof(n_stops)) < 0) {
        return;
    }
    server_stop(&thread->server);
    if (n_stops > 1) {
        server_stop(&thread->server);
    }
}

/* The first gmtime_r(3) of a process reads TZ. Call it here, so that nothing reads the environment later. */
static void read_time_zone(void) {
    time_t now = time(NULL);
    struct tm parts;

    (void)gmtime_r(&now, &parts);
}

int server_thread_start(struct server_thread *thread, const struct gate_config *config, int stop_fd,
                        struct gate_error *error) {
    struct server_settings *settings = &thread->settings;
    struct log log;
    int r = loop_init(&thread->loop);

    *settings = config->settings;
    settings->token_file = NULL; /* it has been read: nothing tells the thread to read it again */
    settings->parent = getppid();
    r = r ? r : loop_watch(&thread->loop, &thread->stop_io, stop_fd, EPOLLIN, on_stop, thread);
    if (r) {
        return gate_error_set(error, GATE_E_INTERNAL, "no event loop: %s", strerror(-r));
    }
    read_time_zone();
    log_init(&log, settings->log_fd, settings->log_level, settings->log_format);
    log_reopen(&log);
    log.secrets = settings->policy.tokens;
    log.n_secrets = TOKEN_COUNT_MAX;
    config_warn(config, &log);
    open_files_provide(settings, &log, false);
    return server_start(&thread->server, settings, &log, &thread->loop, error);
}

int server_thread_run(struct server_thread *thread) {
    struct log *log = &thread->server.gate.log;
    int r = loop_run(&thread->loop);

    server_deinit(&thread->server);
    if (r) {
        log_record(log, LOG_LEVEL_ERROR, "the event loop failed", LOG_FIELDS(log_string("error", strerror(-r))));
    } else {
        log_message(log, LOG_LEVEL_NOTICE, "stopped");
    }
    return r;
}

void server_thread_deinit(struct server_thread *thread) {
    loop_unwatch(&thread->stop_io);
    loop_deinit(&thread->loop);
}
