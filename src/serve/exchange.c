/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns one git process from its start to its end, and the order in which bytes move to it and from it, in buffers of
 * fixed size: whoever is slow slows the others down. It sends nothing to the client itself: it puts heads and chunk
 * heads on the connection's wire and says how much of its output may follow. How the process is brought to its end is
 * exchange_end.c's affair.
 */

#include "serve/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "backend/environ.h"
#include "base/fd.h"
#include "serve/connection.h"
#include "serve/exchange_internal.h"
#include "serve/server.h"

bool exchange_fail(struct exchange *exchange, enum reason code, const char *reason) {
    exchange->state = exchange->state == EXCHANGE_HOLDING ? EXCHANGE_FAILED : EXCHANGE_CUT;
    exchange->status = reason_status(code);
    exchange->code = code;
    exchange->reason = reason;
    return true;
}

void exchange_close_input(struct exchange *exchange) {
    loop_unwatch(&exchange->input_io);
    exchange->process.input = fd_close(exchange->process.input);
}

void exchange_close_output(struct exchange *exchange) {
    loop_unwatch(&exchange->output_io);
    exchange->process.output = fd_close(exchange->process.output);
}

bool exchange_pump(struct exchange *exchange) {
    bool moved = false;

    if (exchange_is_running(exchange)) {
        moved = exchange_request_pump(exchange);
    }
    if (exchange_is_running(exchange)) {
        moved = exchange_response_pump(exchange) || moved;
    }
    return moved;
}

void exchange_sent(struct exchange *exchange, size_t size) {
    assert(size <= exchange->chunk_left);
    exchange->chunk_left -= size;
    buffer_consume(&exchange->output, size);
}

/* ---- waiting ---- */

enum exchange_wait exchange_waits_for(const struct exchange *exchange) {
    if (exchange->chunk_left > 0 || buffer_size(&exchange->connection->wire) > 0) {
        return EXCHANGE_WAITS_FOR_CLIENT;
    }
    if (!exchange->consumed && !content_has_undelivered(&exchange->content)) {
        return EXCHANGE_WAITS_FOR_CLIENT;
    }
    return exchange->process.output < 0 ? EXCHANGE_WAITS_FOR_EXIT : EXCHANGE_WAITS_FOR_GIT;
}

static void fail_overdue(struct exchange *exchange) {
    bool is_clients = exchange_waits_for(exchange) == EXCHANGE_WAITS_FOR_CLIENT;

    (void)exchange_fail(exchange, is_clients ? REASON_CLIENT_TIMEOUT : REASON_GIT_TIMEOUT,
                        is_clients
                            ? "the client took longer for the request than --request-timeout allows"
                            : "git and its hooks took longer than --request-timeout allows; try again, or raise it");
}

void exchange_time_out(struct exchange *exchange, bool is_overdue) {
    if (is_overdue) {
        fail_overdue(exchange);
        return;
    }
    switch (exchange_waits_for(exchange)) {
    case EXCHANGE_WAITS_FOR_CLIENT:
        (void)exchange_fail(exchange, REASON_CLIENT_TIMEOUT,
                            "the client stalled for longer than --stall-timeout allows");
        break;
    case EXCHANGE_WAITS_FOR_GIT:
        (void)exchange_fail(exchange, REASON_GIT_TIMEOUT,
                            "git stalled for longer than --backend-timeout allows; try again, or raise it");
        break;
    case EXCHANGE_WAITS_FOR_EXIT:
        (void)exchange_fail(exchange, REASON_GIT_TIMEOUT, "git did not exit after the end of its answer; try again");
        break;
    }
}

void exchange_end_of_input(struct exchange *exchange) {
    if (!content_has_come(&exchange->content) && exchange_is_running(exchange)) {
        (void)exchange_fail(exchange, REASON_BAD_BODY, "the request body was cut short");
    }
}

/* ---- events ---- */

static void close_errors(struct exchange *exchange) {
    loop_unwatch(&exchange->errors_io);
    exchange->process.errors = fd_close(exchange->process.errors);
}

/* Return: whether there may be more. */
static bool drain_errors(struct exchange *exchange) {
    ssize_t size = -EAGAIN;

    if (exchange->process.errors >= 0) {
        size = stderr_log_read(&exchange->stderr_log, exchange->process.errors);
    }
    if (size <= 0 && size != -EAGAIN) {
        close_errors(exchange);
    }
    return size > 0;
}

static void pump_connection(struct exchange *exchange) {
    if (exchange->connection) {
        connection_pump(exchange->connection); /* may free the exchange */
    }
}

static void on_input(uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    (void)events;
    exchange->input_ready = true;
    pump_connection(exchange);
}

static void on_output(uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    exchange->output_ready = true;
    exchange->output_is_shut |= (events & EPOLLHUP) != 0;
    if (exchange->state == EXCHANGE_ENDING) {
        exchange_drop_output(exchange);
    }
    pump_connection(exchange);
}

static void on_errors(uint32_t events, void *userdata) {
    (void)events;
    (void)drain_errors(userdata);
}

void exchange_free(struct exchange *exchange) {
    exchange_close_input(exchange);
    exchange_close_output(exchange);
    close_errors(exchange);
    loop_unwatch(&exchange->exit_io);
    loop_unwatch(&exchange->others_io);
    loop_timer_clear(&exchange->kill_timer);
    loop_cancel(&exchange->end_task);
    process_deinit(&exchange->process);
    buffer_deinit(&exchange->output);
    content_deinit(&exchange->content);
    stderr_log_deinit(&exchange->stderr_log);
    free(exchange->dependencies);
    free(exchange);
}

/* The leader has ended, which http-backend does last of all that belongs to the request, and what was left of its group
 * has gone, or goes now: what they wrote is in the pipes. */
void exchange_finish(void *userdata) {
    struct exchange *exchange = userdata;
    size_t n_reads = 0;

    if (!process_has_ended(&exchange->process) || exchange_await_others(exchange)) {
        return;
    }
    (void)process_reap(&exchange->process, &exchange->exit_status);
    loop_unwatch(&exchange->exit_io);
    loop_unwatch(&exchange->others_io);
    exchange->exited = true;
    exchange->output_ready = true;
    while (drain_errors(exchange) && n_reads++ < EXCHANGE_LAST_WORDS_READS) {
    }
    close_errors(exchange);
    server_backend_ended(exchange->server, exchange);
    if (exchange->state == EXCHANGE_ENDING) {
        exchange_free(exchange);
    } else {
        pump_connection(exchange);
    }
}

static void on_process_end(uint32_t events, void *userdata) {
    (void)events;
    exchange_finish(userdata);
}

/* ---- begin ---- */

static int watch(struct exchange *exchange) {
    struct process *process = &exchange->process;
    struct loop *loop = exchange->server->loop;
    int r = 0;

    /* Edges, so that nothing needs to be switched on and off: what is not ready is remembered until it is. */
    if (process->input >= 0) {
        r = loop_watch(loop, &exchange->input_io, process->input, EPOLLOUT | EPOLLET, on_input, exchange);
    }
    r = r ? r : loop_watch(loop, &exchange->output_io, process->output, EPOLLIN | EPOLLET, on_output, exchange);
    r = r ? r : loop_watch(loop, &exchange->errors_io, process->errors, EPOLLIN, on_errors, exchange);
    return r ? r : loop_watch(loop, &exchange->exit_io, process->pidfd, EPOLLIN | EPOLLET, on_process_end, exchange);
}

/* @callp: receives the system call that failed, on failure, if it was one. */
static int spawn(struct exchange *exchange, bool has_body, const char **callp) {
    struct server *server = exchange->server;
    const struct request *request = exchange->request;
    const struct environ_request variables = {
        .method = request->method,
        .repository = request->repository,
        .path = request->route->path,
        .query = request->route->query,
        .content_type = request->route->content_type,
        .git_protocol = request->git_protocol[0] ? request->git_protocol : NULL,
        .remote_address = exchange->connection->peer,
        .pushes = exchange->pushes,
    };
    const struct process_limits limits = {
        .is_private = server->settings->confine != CONFINE_OFF,
        .max_file_bytes = exchange->pushes ? server->settings->max_push_bytes : 0,
        .landlock = server->confine.child.fd,
        .session_key = server->confine.session_key,
    };
    char *const argv[] = {server->git.http_backend, NULL};
    _cleanup_free_ char **envp = NULL;
    int r = environ_new(&envp, &server->environ, &variables);

    if (r) {
        return r;
    }
    r = process_spawn(&exchange->process, server->git.http_backend, argv, envp, has_body, &limits);
    if (r) {
        *callp = exchange->process.failed_call;
        return r;
    }
    r = watch(exchange);
    if (r) {
        *callp = "epoll_ctl";
        (void)process_reap(&exchange->process, &exchange->exit_status); /* which kills it first */
    }
    return r;
}

int exchange_start(struct exchange **exchangep, struct server *server, struct connection *connection,
                   const struct verdict *verdict, const char **callp) {
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    int r;

    *callp = NULL;
    if (!exchange) {
        return -ENOMEM;
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->request = &connection->request;
    exchange->pushes = verdict->route->pushes;
    exchange->has_body = verdict->route->content_type != NULL;
    exchange->process = PROCESS_NONE;
    exchange->input_ready = exchange->first_chunk = true;
    buffer_init_pooled(&exchange->output, &server->large_pool);
    stderr_log_init(&exchange->stderr_log, &server->log, connection->request.id);
    r = content_init(&exchange->content, &connection->head, verdict->gzip,
                     settings_max_body_bytes(server->settings, exchange->pushes));
    if (!r && advertisement_cache_covers(&server->advertisements, &connection->request)) {
        exchange->dependencies = advertisement_cache_prepare(&server->advertisements, connection->request.repository);
    }
    if (!r) {
        r = spawn(exchange, head_has_body(&connection->head), callp);
    }
    if (r) {
        exchange_free(exchange);
        return r;
    }
    server_backend_started(server, exchange);
    *exchangep = exchange;
    return 0;
}
