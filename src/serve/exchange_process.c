/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the process of an exchange: its birth, the eye on it, and its end, also when nobody waits for it any more. It says
 * how long the process gets for which step, and whether something of its group lives on. An exchange may begin before its
 * process and end after it. No process outlives its exchange, unless a gate that has given up waiting abandons one that
 * not even SIGKILL ends. Of the bytes that come from the process it takes those alone that nobody else takes any more:
 * they may be the report of a push, whose records it writes when all is over.
 */

#include "serve/exchange_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "backend/cgi.h"
#include "base/clock.h"
#include "base/fd.h"
#include "serve/move_stream.h"
#include "serve/push_log.h"

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

void exchange_follow_output(struct exchange *exchange, struct span bytes) {
    packets_feed(&exchange->packets, bytes);
    if (exchange->push_log) {
        pushed_feed_answer(&exchange->push_log->pushed, bytes);
    }
}

/* How much of the output was followed, or is the head of the response, which stays in front of it until it is sent. */
static size_t n_seen(struct exchange *exchange) {
    struct span output = buffer_content(&exchange->output);
    struct cgi cgi;

    if (!exchange->awaits_head && exchange->state != EXCHANGE_HOLDING && exchange->state != EXCHANGE_FAILED) {
        return exchange->chunk_left;
    }
    exchange->awaits_head = cgi_parse(&cgi, output) != 0;
    return exchange->awaits_head ? output.size : cgi.size;
}

/* Follows the part of the output that was to be followed when it was sent. */
static void drop_buffer(struct exchange *exchange) {
    size_t size = n_seen(exchange);
    struct span output = buffer_content(&exchange->output);

    exchange_follow_output(exchange, (struct span){output.data + size, output.size - size});
    buffer_release(&exchange->output);
    exchange->chunk_left = 0;
}

/* Reads what git says to nobody, or git could not come to its end. */
static void drop_output(struct exchange *exchange) {
    ssize_t size = GATE_LARGE_BYTES;

    for (unsigned i = 0; i < EXCHANGE_LAST_WORDS_READS && size == GATE_LARGE_BYTES; i++) {
        size = buffer_read(&exchange->output, exchange->process.output);
        drop_buffer(exchange);
    }
    if (size <= 0 && size != -EAGAIN) {
        exchange_close_output(exchange);
    }
}

/* In EXCHANGE_ENDING. What is still there to be read may be the report of a push. */
static void stop_listening(struct exchange *exchange) {
    if (exchange->push_log && exchange->process.output >= 0) {
        drop_output(exchange);
    }
    exchange_close_output(exchange);
}

static void log_push(struct exchange *exchange) {
    if (!exchange->push_log) {
        return;
    }
    push_log_hear(exchange->push_log, exchange->told);
    drop_buffer(exchange);
    exchange->state = EXCHANGE_ENDING;
    stop_listening(exchange);
    push_log_write(&exchange->gate->log, exchange->push_log, false);
    move_stream_write(&exchange->gate->moves, exchange->push_log);
    exchange->push_log = push_log_free(exchange->push_log);
}

static void let_hooks_finish(struct exchange *exchange);

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
        let_hooks_finish(exchange);
    }
    tell_owner(exchange);
}

static void on_errors(uint32_t events, void *userdata) {
    (void)events;
    (void)drain_errors(userdata);
}

/* ---- the end ---- */

void exchange_free(struct exchange *exchange) {
    log_push(exchange);
    exchange_close_input(exchange);
    exchange_close_output(exchange);
    close_errors(exchange);
    loop_unwatch(&exchange->exit_io);
    loop_unwatch(&exchange->others_io);
    loop_timer_clear(&exchange->kill_timer);
    loop_cancel(&exchange->end_task);
    process_deinit(&exchange->process);
    exchange->collected = fd_close(exchange->collected);
    exchange->told = fd_close(exchange->told);
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
    stop_listening(exchange);
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

/* Whether only the client is missing to a push that has come as a whole. */
static bool was_left(const struct exchange *exchange) {
    return exchange->pushes && exchange->is_started && exchange->consumed && !exchange->is_told &&
           (exchange->code == REASON_NONE || exchange->code == REASON_CLIENT_TIMEOUT) &&
           exchange->gate->stage < GATE_ENDING;
}

/* Once receive-pack has reported, what its hooks do is done for others than the client: it may tell or forward a push. */
static void let_hooks_finish(struct exchange *exchange) {
    struct gate *gate = exchange->gate;

    if (exchange->deadline_us == 0 || exchange->is_told || !exchange->packets.is_reported) {
        return;
    }
    loop_timer_clear(&exchange->kill_timer);
    if (exchange->deadline_us != UINT64_MAX) {
        loop_timer_set(gate->loop, &exchange->kill_timer, exchange->deadline_us, on_terminate, exchange);
    }
    exchange->deadline_us = 0;
    log_record(&gate->log, LOG_LEVEL_INFO, "the client left when git had reported on its push; the hooks go on",
               LOG_FIELDS(log_number("id", exchange->stderr_log.request_id)));
}

static uint64_t deadline(const struct exchange *exchange) {
    uint64_t timeout_s = exchange->gate->settings->request_timeout_s;

    return timeout_s > 0 ? exchange->client.request->begin_us + timeout_s * US_PER_S : UINT64_MAX;
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
    exchange->deadline_us = was_left(exchange) ? deadline(exchange) : 0;
    drop_buffer(exchange);
    exchange->state = EXCHANGE_ENDING;
    exchange->client = (struct exchange_client){0};
    exchange_close_input(exchange);
    if (!exchange->is_started) { /* later, as its end gives others their turn, and its owner is at work */
        loop_defer(exchange->gate->loop, &exchange->end_task, forget, exchange);
    } else if (exchange->is_told) {
        stop_listening(exchange); /* its leader has ended, and SIGKILL is on its way to the rest */
    } else if (hangs_up_first(exchange)) {
        end_after(exchange, EXCHANGE_HANGUP_TIMEOUT_S * US_PER_S, on_terminate);
        drop_output(exchange);
        let_hooks_finish(exchange);
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
        abandon(exchange, deadline_us); /* NOLINT(clang-analyzer-unix.Malloc): take_back() has taken it off the list */
    }
}

/* ---- the begin ---- */

int exchange_process_watch(struct exchange *exchange) {
    struct process *process = &exchange->process;
    struct loop *loop = exchange->gate->loop;
    int r = 0;

    /* Edges, so that nothing needs to be switched on and off: what is not ready is remembered until it is. */
    if (process->input >= 0) {
        r = loop_watch(loop, &exchange->input_io, process->input, EPOLLOUT | EPOLLET, on_input, exchange);
    }
    r = r ? r : loop_watch(loop, &exchange->output_io, process->output, EPOLLIN | EPOLLET, on_output, exchange);
    r = r ? r : loop_watch(loop, &exchange->errors_io, process->errors, EPOLLIN, on_errors, exchange);
    r = r ? r : loop_watch(loop, &exchange->exit_io, process->pidfd, EPOLLIN | EPOLLET, on_end, exchange);
    if (r) {
        exchange->process.failed_call = "epoll_ctl";
        (void)process_reap(process, &exchange->exit_status); /* which kills it first */
        return r;
    }
    exchange->is_started = true;
    exchange_process_announce(exchange);
    return 0;
}
