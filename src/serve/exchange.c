/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns one git process and the bytes on their way to it and from it, in buffers of fixed size: whoever is slow slows
 * the others down. It sends nothing to the client itself: it puts heads and chunk heads on the connection's wire and
 * says how much of its output may follow. It must not outlive its process, and no process may outlive it.
 */

#include "serve/exchange.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/cgi.h"
#include "backend/environ.h"
#include "base/fd.h"
#include "http/reply.h"
#include "serve/connection.h"
#include "serve/server.h"

static const char *const state_names[] = {
    [EXCHANGE_HOLDING] = "holding",   [EXCHANGE_ANSWERING] = "answering",
    [EXCHANGE_COMPLETE] = "complete", [EXCHANGE_FAILED] = "failed",
    [EXCHANGE_CUT] = "cut",           [EXCHANGE_ENDING] = "ending",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == EXCHANGE_STATE_COUNT, "every state has a name");

const char *exchange_state_name(enum exchange_state state) {
    return state_names[state];
}

static bool is_running(const struct exchange *exchange) {
    return exchange->state == EXCHANGE_HOLDING || exchange->state == EXCHANGE_ANSWERING;
}

/* Nothing was sent: the client gets @status. Otherwise all that can be done is to cut the response. */
static bool fail(struct exchange *exchange, int status, const char *reason) {
    exchange->state = exchange->state == EXCHANGE_HOLDING ? EXCHANGE_FAILED : EXCHANGE_CUT;
    exchange->status = status;
    exchange->reason = reason;
    return true;
}

/* ---- towards git ---- */

static void close_input(struct exchange *exchange) {
    exchange->input_source = sd_event_source_disable_unref(exchange->input_source);
    exchange->process.input = fd_close(exchange->process.input);
}

/*
 * Hands bytes to git, or drops them when git reads no more: the request is read to its end all the same, since a client
 * looks at the answer only then. Return: bytes taken, 0 when git takes none now.
 */
static size_t give_to_git(struct exchange *exchange, struct span bytes) {
    ssize_t size;

    if (exchange->process.input < 0) {
        return bytes.size;
    }
    if (!exchange->input_ready || bytes.size == 0) {
        return 0;
    }
    size = write(exchange->process.input, bytes.data, bytes.size);
    if (size >= 0) {
        return (size_t)size;
    }
    if (errno == EAGAIN) {
        exchange->input_ready = false;
    } else if (errno != EINTR) {
        close_input(exchange);
    }
    return 0;
}

static bool over_limit(const struct exchange *exchange) {
    return exchange->max_body_bytes > 0 &&
           (exchange->body.n_decoded > exchange->max_body_bytes || exchange->n_inflated > exchange->max_body_bytes);
}

static bool pump_gunzip(struct exchange *exchange, struct buffer *input) {
    struct span compressed = {buffer_content(input).data, exchange->body.ready};
    size_t before = buffer_size(&exchange->inflated);
    bool at_end = exchange->body.complete && exchange->body.ready == 0;
    size_t n_used;
    int r = gunzip_inflate(&exchange->gunzip, compressed, &n_used, &exchange->inflated);

    if (r < 0) {
        return fail(exchange, 500, "out of memory");
    }
    body_consume(&exchange->body, input, n_used);
    exchange->n_inflated += buffer_size(&exchange->inflated) - before;
    if (over_limit(exchange)) {
        return fail(exchange, 413, "the inflated body is larger than --max-negotiation-bytes allows");
    }
    if (r || (at_end && !exchange->gunzip.complete && buffer_size(&exchange->inflated) == 0)) {
        return fail(exchange, 400, "the gzip body is damaged, cut short, or has bytes behind its end");
    }
    return n_used > 0 || buffer_size(&exchange->inflated) > before;
}

/* One step of the request body. Return: whether anything moved. */
static bool pump_request(struct exchange *exchange) {
    struct buffer *input = &exchange->connection->input;
    size_t before = buffer_size(input);
    bool moved = false;
    size_t n_given;

    if (exchange->consumed) {
        return false;
    }
    if (body_decode(&exchange->body, input)) {
        return fail(exchange, 400, exchange->body.reason);
    }
    if (over_limit(exchange)) {
        return fail(exchange, 413,
                    exchange->request->route->pushes ? "the push is larger than --max-push-bytes allows"
                                                     : "the body is larger than --max-negotiation-bytes allows");
    }
    if (exchange->gzip) {
        moved = pump_gunzip(exchange, input);
        if (!is_running(exchange)) {
            return true;
        }
        n_given = give_to_git(exchange, buffer_content(&exchange->inflated));
        buffer_consume(&exchange->inflated, n_given);
    } else {
        n_given = give_to_git(exchange, (struct span){buffer_content(input).data, exchange->body.ready});
        body_consume(&exchange->body, input, n_given);
    }
    if (exchange->body.complete && exchange->body.ready == 0 &&
        (!exchange->gzip || (exchange->gunzip.complete && buffer_size(&exchange->inflated) == 0))) {
        exchange->consumed = true;
        close_input(exchange); /* git sees the end of the body by it */
        return true;
    }
    return moved || n_given > 0 || buffer_size(input) != before;
}

/* ---- from git ---- */

static void close_output(struct exchange *exchange) {
    exchange->output_source = sd_event_source_disable_unref(exchange->output_source);
    exchange->process.output = fd_close(exchange->process.output);
}

static bool pump_output(struct exchange *exchange) {
    size_t room = buffer_room(&exchange->output);
    ssize_t size;

    if (exchange->process.output < 0 || !exchange->output_ready || room == 0) {
        return false;
    }
    size = buffer_read(&exchange->output, exchange->process.output);
    if (size > 0) {
        /* Less than was asked for means that no more is there (epoll(7)), unless the end is: it has had its edge. */
        exchange->output_ready = (size_t)size == room || exchange->output_is_shut || exchange->exited;
        return true;
    }
    if (size == -EAGAIN) {
        exchange->output_ready = false;
        if (!exchange->exited) {
            return false;
        }
        size = 0; /* some process that got away holds the pipe, but all that git wrote has been read */
    }
    if (size == 0) {
        close_output(exchange);
        return true;
    }
    return fail(exchange, size == -ENOMEM ? 500 : 502, "git's answer could not be read");
}

static bool refuse_for_git(struct exchange *exchange, int status) {
    switch (status) {
    case 403:
        return fail(exchange, 403, "git does not allow this for the repository; the gate's log has its words");
    case 404:
        return fail(exchange, 404, "there is no such repository, or git cannot read it; the gate's log has its words");
    case 415:
        return fail(exchange, 415, "git does not know the Content-Type of the request; use a git client");
    case 500:
        return fail(exchange, 500, "git failed on this repository; the gate's log has its words");
    default:
        return fail(exchange, 502, "git answered with a status that it should not; the gate's log has its words");
    }
}

static int append_head(struct exchange *exchange, const struct cgi *cgi) {
    struct connection *connection = exchange->connection;
    struct buffer *wire = &connection->wire;
    int r = reply_append_status(wire, cgi->status, connection->close_after, time(NULL));

    for (size_t i = 0; i < cgi->n_fields && !r; i++) {
        r = buffer_printf(wire, "%.*s: %.*s\r\n", (int)cgi->field[i].name.size, cgi->field[i].name.data,
                          (int)cgi->field[i].value.size, cgi->field[i].value.data);
    }
    if (!r && connection->head.minor == 1) {
        r = buffer_printf(wire, "Transfer-Encoding: chunked\r\n");
    }
    return r ? r : buffer_printf(wire, "\r\n");
}

/* Lets the response out once it may be: see EXCHANGE_HOLDING. */
static bool try_answer(struct exchange *exchange) {
    bool is_full = buffer_room(&exchange->output) == 0;
    bool is_whole = exchange->process.output < 0;
    struct cgi cgi;
    int r;

    if (!exchange->consumed && !is_full) {
        return false;
    }
    r = cgi_parse(&cgi, buffer_content(&exchange->output));
    if (r == CGI_E_MORE && !is_whole && !is_full) {
        return false;
    }
    if (r) {
        return fail(exchange, 502,
                    "git ended or answered nonsense before its response head; the gate's log has its words");
    }
    if (cgi.status != 200) {
        return refuse_for_git(exchange, cgi.status);
    }
    if (append_head(exchange, &cgi) < 0) {
        return fail(exchange, 502, "git's response head is too large");
    }
    buffer_consume(&exchange->output, cgi.size);
    exchange->status = cgi.status;
    exchange->state = EXCHANGE_ANSWERING;
    return true;
}

/* git http-backend exits with 1 when the service behind it fails, which may have told the client all about it. */
static bool said_everything(const struct exchange *exchange) {
    int status = exchange->exit_status;

    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || (WEXITSTATUS(status) == 1 && exchange->packets.is_whole));
}

/* Puts the next chunk head on the wire, or the end. */
static bool pump_answer(struct exchange *exchange) {
    struct connection *connection = exchange->connection;
    size_t size = buffer_size(&exchange->output);
    bool is_chunked = connection->head.minor == 1;

    if (exchange->chunk_left > 0 || buffer_size(&connection->wire) > CONNECTION_WIRE_BYTES - BODY_PREFIX_MAX_BYTES) {
        return false;
    }
    if (size > 0) {
        if (is_chunked && body_encode_chunk(&connection->wire, exchange->first_chunk, size) < 0) {
            return fail(exchange, 500, "out of memory");
        }
        packets_feed(&exchange->packets, buffer_content(&exchange->output));
        exchange->first_chunk = false;
        exchange->chunk_left = size;
        return true;
    }
    if (exchange->process.output >= 0 || !exchange->exited) {
        return false;
    }
    if (!said_everything(exchange)) {
        return fail(exchange, 502, "git failed in the middle of its answer; the gate's log has its words");
    }
    if (is_chunked && body_encode_end(&connection->wire, exchange->first_chunk) < 0) {
        return fail(exchange, 500, "out of memory");
    }
    exchange->state = EXCHANGE_COMPLETE;
    return true;
}

bool exchange_pump(struct exchange *exchange) {
    bool moved = false;

    if (is_running(exchange)) {
        moved = pump_request(exchange);
    }
    if (is_running(exchange)) {
        moved = pump_output(exchange) || moved;
    }
    if (exchange->state == EXCHANGE_HOLDING) {
        moved = try_answer(exchange) || moved;
    }
    if (exchange->state == EXCHANGE_ANSWERING) {
        moved = pump_answer(exchange) || moved;
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
    bool has_bytes_for_git = exchange->body.ready > 0 || buffer_size(&exchange->inflated) > 0;

    if (exchange->chunk_left > 0 || buffer_size(&exchange->connection->wire) > 0) {
        return EXCHANGE_WAITS_FOR_CLIENT;
    }
    if (!exchange->consumed && !has_bytes_for_git) {
        return EXCHANGE_WAITS_FOR_CLIENT;
    }
    return exchange->process.output < 0 ? EXCHANGE_WAITS_FOR_EXIT : EXCHANGE_WAITS_FOR_GIT;
}

void exchange_time_out(struct exchange *exchange) {
    switch (exchange_waits_for(exchange)) {
    case EXCHANGE_WAITS_FOR_CLIENT:
        (void)fail(exchange, 408, "the client stalled for longer than --stall-timeout allows");
        break;
    case EXCHANGE_WAITS_FOR_GIT:
        (void)fail(exchange, 504, "git stalled for longer than --backend-timeout allows");
        break;
    case EXCHANGE_WAITS_FOR_EXIT:
        (void)fail(exchange, 504, "git did not exit after the end of its answer");
        break;
    }
}

void exchange_end_of_input(struct exchange *exchange) {
    if (!exchange->body.complete && is_running(exchange)) {
        (void)fail(exchange, 400, "the request body was cut short");
    }
}

/* ---- git's standard error ---- */

static void log_errors_line(struct exchange *exchange, struct span line) {
    if (exchange->n_errors_logged > EXCHANGE_ERRORS_MAX_BYTES || line.size == 0) {
        return;
    }
    exchange->n_errors_logged += line.size;
    log_record(&exchange->server->log, LOG_LEVEL_INFO, "git says",
               LOG_FIELDS(log_number("id", exchange->request_id), log_span("line", line)));
    if (exchange->n_errors_logged > EXCHANGE_ERRORS_MAX_BYTES) {
        log_record(&exchange->server->log, LOG_LEVEL_WARNING, "git says too much, the rest is dropped",
                   LOG_FIELDS(log_number("id", exchange->request_id)));
    }
}

/* Lines that are whole; one that fills the buffer, and the last one when @is_end, as they are. */
static void log_errors(struct exchange *exchange, bool is_end) {
    for (;;) {
        struct span content = buffer_content(&exchange->errors);
        const char *newline = memchr(content.data, '\n', content.size);
        struct span line = {content.data, newline ? (size_t)(newline - content.data) : content.size};

        if (!newline && !is_end && buffer_room(&exchange->errors) > 0) {
            return;
        }
        log_errors_line(exchange, line);
        buffer_consume(&exchange->errors, newline ? line.size + 1 : line.size);
        if (buffer_size(&exchange->errors) == 0) {
            return;
        }
    }
}

static void close_errors(struct exchange *exchange) {
    log_errors(exchange, true);
    exchange->errors_source = sd_event_source_disable_unref(exchange->errors_source);
    exchange->process.errors = fd_close(exchange->process.errors);
}

/* Return: whether there may be more. */
static bool drain_errors(struct exchange *exchange) {
    ssize_t size;

    if (exchange->process.errors < 0) {
        return false;
    }
    size = buffer_read(&exchange->errors, exchange->process.errors);
    if (size > 0) {
        log_errors(exchange, false);
        return true;
    }
    if (size != -EAGAIN) {
        close_errors(exchange);
    }
    return false;
}

/* ---- events ---- */

static void pump_connection(struct exchange *exchange) {
    if (exchange->connection) {
        connection_pump(exchange->connection); /* may free the exchange */
    }
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    (void)source, (void)fd, (void)events;
    exchange->input_ready = true;
    pump_connection(exchange);
    return 0;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    (void)source, (void)fd;
    exchange->output_ready = true;
    exchange->output_is_shut |= (events & EPOLLHUP) != 0;
    pump_connection(exchange);
    return 0;
}

static int on_errors(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)source, (void)fd, (void)events;
    (void)drain_errors(userdata);
    return 0;
}

static void exchange_free(struct exchange *exchange) {
    close_input(exchange);
    close_output(exchange);
    close_errors(exchange);
    (void)sd_event_source_disable_unref(exchange->exit_source);
    (void)sd_event_source_disable_unref(exchange->kill_source);
    process_deinit(&exchange->process);
    gunzip_deinit(&exchange->gunzip);
    buffer_deinit(&exchange->output);
    buffer_deinit(&exchange->inflated);
    buffer_deinit(&exchange->errors);
    free(exchange);
}

/* The leader has ended, which http-backend does last of all that belongs to the request: what is left of its group goes
 * too, and what they wrote is in the pipes. */
static int on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;
    size_t n_reads = 0;

    (void)source, (void)fd, (void)events;
    if (!process_has_ended(&exchange->process)) {
        return 0;
    }
    (void)process_reap(&exchange->process, &exchange->exit_status);
    exchange->exit_source = sd_event_source_disable_unref(exchange->exit_source);
    exchange->exited = true;
    exchange->output_ready = true;
    while (drain_errors(exchange) && n_reads++ < EXCHANGE_OUTPUT_BYTES / EXCHANGE_ERRORS_LINE_BYTES) {
    }
    close_errors(exchange);
    server_backend_ended(exchange->server, exchange);
    if (exchange->state == EXCHANGE_ENDING) {
        exchange_free(exchange);
    } else {
        pump_connection(exchange);
    }
    return 0;
}

static int on_kill(sd_event_source *source, uint64_t usec, void *userdata) {
    (void)source, (void)usec;
    exchange_kill(userdata);
    return 0;
}

/* ---- begin and end ---- */

static int watch(struct exchange *exchange) {
    struct process *process = &exchange->process;
    sd_event *event = exchange->server->event;
    int r = 0;

    /* Edges, so that nothing needs to be switched on and off: what is not ready is remembered until it is. */
    if (process->input >= 0) {
        r = sd_event_add_io(event, &exchange->input_source, process->input, EPOLLOUT | EPOLLET, on_input, exchange);
    }
    if (r >= 0) {
        r = sd_event_add_io(event, &exchange->output_source, process->output, EPOLLIN | EPOLLET, on_output, exchange);
    }
    if (r >= 0) {
        r = sd_event_add_io(event, &exchange->errors_source, process->errors, EPOLLIN, on_errors, exchange);
    }
    if (r >= 0) {
        r = sd_event_add_io(event, &exchange->exit_source, process->pidfd, EPOLLIN, on_process_end, exchange);
    }
    return r < 0 ? r : 0;
}

static int spawn(struct exchange *exchange, bool has_body) {
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
    };
    char *const argv[] = {server->git.http_backend, NULL};
    _cleanup_free_ char **envp = NULL;
    int r = environ_new(&envp, &server->environ, &variables);

    if (r) {
        return r;
    }
    r = process_spawn(&exchange->process, server->git.http_backend, argv, envp, has_body);
    if (r) {
        return r;
    }
    r = watch(exchange);
    if (r) {
        process_signal(&exchange->process, SIGKILL);
        (void)process_reap(&exchange->process, &exchange->exit_status);
    }
    return r;
}

int exchange_start(struct exchange **exchangep, struct server *server, struct connection *connection,
                   const struct verdict *verdict) {
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    const struct server_settings *settings = server->settings;
    int r = 0;

    if (!exchange) {
        return -ENOMEM;
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->request = &connection->request;
    exchange->request_id = connection->request.id;
    exchange->max_body_bytes = verdict->route->pushes ? settings->max_push_bytes : settings->max_negotiation_bytes;
    exchange->process = PROCESS_NONE;
    exchange->input_ready = exchange->first_chunk = true;
    exchange->gzip = verdict->gzip;
    buffer_init(&exchange->output, EXCHANGE_OUTPUT_BYTES);
    buffer_init(&exchange->inflated, EXCHANGE_INFLATED_BYTES);
    buffer_init(&exchange->errors, EXCHANGE_ERRORS_LINE_BYTES);
    body_init(&exchange->body, &connection->head);
    if (exchange->gzip) {
        r = gunzip_init(&exchange->gunzip);
    }
    if (!r) {
        r = spawn(exchange, head_has_body(&connection->head));
    }
    if (r) {
        exchange_free(exchange);
        return r;
    }
    server_backend_started(server, exchange);
    *exchangep = exchange;
    return 0;
}

void exchange_release(struct exchange *exchange) {
    if (exchange->exited) {
        exchange_free(exchange);
        return;
    }
    exchange->state = EXCHANGE_ENDING;
    exchange->connection = NULL;
    exchange->request = NULL;
    process_signal(&exchange->process, SIGTERM); /* receive-pack removes what it has not made part of the repository */
    close_input(exchange);
    close_output(exchange);
    if (sd_event_add_time_relative(exchange->server->event, &exchange->kill_source, CLOCK_MONOTONIC,
                                   EXCHANGE_KILL_TIMEOUT_S * UINT64_C(1000000), 0, on_kill, exchange) < 0) {
        exchange_kill(exchange); /* no patience without a timer */
    }
}

void exchange_kill(struct exchange *exchange) {
    process_signal(&exchange->process, SIGKILL);
}

void exchange_abandon(struct exchange *exchange) {
    process_signal(&exchange->process, SIGKILL);
    server_backend_ended(exchange->server, exchange);
    exchange_free(exchange);
}
