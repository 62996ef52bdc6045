/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the process of an exchange: its birth, the eye on it, and its end, also when nobody waits for it any more. It says
 * how long the process gets for which step, and whether something of its group lives on. An exchange may begin before its
 * process and end after it. No process outlives its exchange, unless a gate that has given up waiting abandons one that
 * not even SIGKILL ends. What the bytes are that go to the process and come from it is not known here.
 */

#include "serve/exchange_process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backend/environ.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"

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

static void tell_owner(struct exchange *exchange) {
    if (exchange->client.on_event) {
        exchange->client.on_event(exchange->client.userdata); /* may free the exchange */
    }
}

/* Reads what git says to nobody, or git could not come to its end. */
static void drop_output(struct exchange *exchange) {
    ssize_t size = GATE_LARGE_BYTES;

    for (unsigned i = 0; i < EXCHANGE_LAST_WORDS_READS && size == GATE_LARGE_BYTES; i++) {
        buffer_release(&exchange->output);
        size = buffer_read(&exchange->output, exchange->process.output);
    }
    if (size <= 0 && size != -EAGAIN) {
        exchange_close_output(exchange);
    }
}

static void on_input(uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    (void)events;
    exchange->input_ready = true;
    tell_owner(exchange);
}

static void on_output(uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    exchange->output_ready = true;
    exchange->output_is_shut |= (events & EPOLLHUP) != 0;
    if (exchange->state == EXCHANGE_ENDING) {
        drop_output(exchange);
    }
    tell_owner(exchange);
}

static void on_errors(uint32_t events, void *userdata) {
    (void)events;
    (void)drain_errors(userdata);
}

/* ---- the end ---- */

void exchange_free(struct exchange *exchange) {
    exchange_close_input(exchange);
    exchange_close_output(exchange);
    close_errors(exchange);
    loop_unwatch(&exchange->exit_io);
    loop_unwatch(&exchange->others_io);
    loop_timer_clear(&exchange->kill_timer);
    loop_cancel(&exchange->end_task);
    process_deinit(&exchange->process);
    exchange->collected = fd_close(exchange->collected);
    buffer_deinit(&exchange->output);
    content_deinit(&exchange->content);
    stderr_log_deinit(&exchange->stderr_log);
    free(exchange->dependencies);
    free(exchange);
}

static void on_end(uint32_t events, void *userdata);

void exchange_process_announce(struct exchange *exchange) {
    if (!exchange->is_counted) {
        exchange->is_counted = true;
        LIST_INSERT_HEAD(&exchange->gate->exchanges, exchange, entry);
        turns_started(&exchange->gate->turns);
    }
}

/* May start the process of another exchange. */
static void take_back(struct exchange *exchange) {
    exchange->is_counted = false;
    LIST_REMOVE(exchange, entry);
    turns_ended(&exchange->gate->turns);
}

static void on_kill(void *userdata) {
    exchange_kill(userdata);
}

static void end_after(struct exchange *exchange, uint64_t timeout_us, void (*handler)(void *userdata)) {
    loop_timer_set(exchange->gate->loop, &exchange->kill_timer, exchange->gate->loop->now_us + timeout_us, handler,
                   exchange);
}

/* Git removes its lock files on SIGTERM, and so may what a hook left running. */
static void tell_group(struct exchange *exchange) {
    exchange->is_told = true;
    process_signal(&exchange->process, SIGTERM);
    end_after(exchange, EXCHANGE_KILL_TIMEOUT_S * US_PER_S, on_kill);
}

/*
 * The leader is quick to end at SIGTERM; what it started gets its time too. Return: whether there is anything to wait for.
 */
static bool await_others(struct exchange *exchange) {
    if (exchange->is_killed || !process_others_live(&exchange->process)) {
        return false;
    }
    if (!loop_is_watched(&exchange->others_io) &&
        loop_watch(exchange->gate->loop, &exchange->others_io, exchange->process.lifeline, EPOLLERR, on_end,
                   exchange) != 0) {
        return false;
    }
    if (exchange->state != EXCHANGE_ENDING && !exchange->is_told) {
        tell_group(exchange);
    }
    return true;
}

/* The leader has ended, which it does last of all that belongs to the request, and what was left of its group has gone,
 * or goes now: what they wrote is in the pipes. */
static void finish(void *userdata) {
    struct exchange *exchange = userdata;
    size_t n_reads = 0;

    if (!process_has_ended(&exchange->process) || await_others(exchange)) {
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
    take_back(exchange);
    if (exchange->state == EXCHANGE_ENDING) {
        exchange_free(exchange);
    } else {
        tell_owner(exchange);
    }
}

static void on_end(uint32_t events, void *userdata) {
    (void)events;
    finish(userdata);
}

static void on_terminate(void *userdata) {
    exchange_terminate(userdata);
}

void exchange_terminate(struct exchange *exchange) {
    if (exchange->is_told) {
        return;
    }
    tell_group(exchange);
    exchange_close_output(exchange);
}

/*
 * Whether the end of its input is what a push has to see first. Until its input is whole, receive-pack holds no lock, and
 * it removes its quarantine at the end of the input, but since git 2.39 not on a signal. A push that has come as a whole
 * may hold locks and may wait for a hook: it gets time to finish, unless the gate ends, whose drain was that time.
 */
static bool hangs_up_first(const struct exchange *exchange) {
    bool is_ending = exchange->gate->stage >= GATE_ENDING;

    return exchange->pushes && !(exchange->consumed && is_ending);
}

static void forget(void *userdata) {
    struct exchange *exchange = userdata;

    take_back(exchange);
    exchange_free(exchange);
}

void exchange_release(struct exchange *exchange) {
    if (exchange->exited) {
        exchange_free(exchange);
        return;
    }
    exchange->state = EXCHANGE_ENDING;
    exchange->client = (struct exchange_client){0};
    exchange_close_input(exchange);
    if (!exchange->is_started) { /* later, as its end gives others their turn, and its owner is at work */
        loop_defer(exchange->gate->loop, &exchange->end_task, forget, exchange);
    } else if (exchange->is_told) {
        exchange_close_output(exchange); /* its leader has ended, and SIGKILL is on its way to the rest */
    } else if (hangs_up_first(exchange)) {
        drop_output(exchange);
        end_after(exchange, EXCHANGE_HANGUP_TIMEOUT_S * US_PER_S, on_terminate);
    } else {
        exchange_terminate(exchange);
    }
}

void exchange_kill(struct exchange *exchange) {
    exchange->is_killed = true;
    process_signal(&exchange->process, SIGKILL);
    if (loop_is_watched(&exchange->others_io)) { /* no more waiting for others, who may have got away */
        loop_defer(exchange->gate->loop, &exchange->end_task, finish, exchange);
    }
}

static void abandon(struct exchange *exchange, uint64_t deadline_us) {
    uint64_t now_us = clock_now_us();

    if (exchange->is_started && !exchange->is_killed && now_us < deadline_us) {
        process_await_end(&exchange->process, (int)((deadline_us - now_us) / US_PER_MS));
    }
    exchange_kill(exchange);
    take_back(exchange);
    exchange_free(exchange);
}

/* The loop may have failed, so no timer will come. */
void exchange_abandon_all(struct gate *gate) {
    uint64_t deadline_us = clock_now_us() + EXCHANGE_ABANDON_TIMEOUT_MS * US_PER_MS;
    struct exchange *exchange;

    LIST_FOREACH(exchange, &gate->exchanges, entry) {
        if (exchange->is_started && !exchange->is_killed) {
            process_signal(&exchange->process, SIGTERM);
        }
    }
    while ((exchange = LIST_FIRST(&gate->exchanges))) {
        abandon(exchange, deadline_us);
    }
}

/* ---- birth ---- */

static int watch(struct exchange *exchange) {
    struct process *process = &exchange->process;
    struct loop *loop = exchange->gate->loop;
    int r = 0;

    /* Edges, so that nothing needs to be switched on and off: what is not ready is remembered until it is. */
    if (process->input >= 0) {
        r = loop_watch(loop, &exchange->input_io, process->input, EPOLLOUT | EPOLLET, on_input, exchange);
    }
    r = r ? r : loop_watch(loop, &exchange->output_io, process->output, EPOLLIN | EPOLLET, on_output, exchange);
    r = r ? r : loop_watch(loop, &exchange->errors_io, process->errors, EPOLLIN, on_errors, exchange);
    return r ? r : loop_watch(loop, &exchange->exit_io, process->pidfd, EPOLLIN | EPOLLET, on_end, exchange);
}

/* The arguments of the program; they may point to @repository. */
static void choose_arguments(char *argv[SERVICE_ARGV_COUNT], char repository[PATH_MAX],
                             const struct exchange *exchange) {
    const struct gate *gate = exchange->gate;

    if (!exchange->is_service) {
        argv[0] = gate->git.program;
        argv[1] = NULL;
        return;
    }
    (void)settings_path_of(repository, gate->settings, exchange->client.request->repository);
    service_argv(argv, &exchange->call, repository);
}

int exchange_process_start(struct exchange *exchange, int input) {
    struct gate *gate = exchange->gate;
    const struct request *request = exchange->client.request;
    const struct environ_request variables = {
        .method = request->method,
        .repository = request->repository,
        .path = request->route->path,
        .query = request->route->query,
        .content_type = request->route->content_type,
        .git_protocol = exchange->call.git_protocol,
        .remote_address = exchange->client.address,
        .pushes = exchange->pushes,
        .asks_head = exchange_asks_head(exchange),
    };
    const struct process_limits limits = {
        .is_private = gate->settings->confine != CONFINE_OFF,
        .max_file_bytes = exchange->pushes ? gate->settings->max_push_bytes : 0,
        .landlock = gate->confine.child.fd,
        .session_key = gate->confine.session_key,
    };
    char repository[PATH_MAX];
    char *argv[SERVICE_ARGV_COUNT];
    _cleanup_free_ char **envp = NULL;
    int r = environ_new(&envp, &gate->environ, &variables);

    if (r) {
        return r;
    }
    choose_arguments(argv, repository, exchange);
    r = process_spawn(&exchange->process, gate->git.program, argv, envp, input, &limits);
    if (r) {
        return r;
    }
    r = watch(exchange);
    if (r) {
        exchange->process.failed_call = "epoll_ctl";
        (void)process_reap(&exchange->process, &exchange->exit_status); /* which kills it first */
        return r;
    }
    exchange->is_started = true;
    exchange_process_announce(exchange);
    return 0;
}

void exchange_process_log_failure(struct gate *gate, const struct request *request, const char *call, int cause) {
    const char *advice = error_advice(cause);

    log_record(&gate->log, LOG_LEVEL_ERROR, "git cannot be started",
               LOG_FIELDS(log_number("id", request->id), log_string("program", gate->git.program),
                          call ? log_string("call", call) : (struct log_field){0}, log_string("error", strerror(cause)),
                          *advice ? log_string("advice", advice + strlen("; ")) : (struct log_field){0}));
}
