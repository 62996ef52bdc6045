/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Watches the process of an exchange, ends it in stages, and reaps it. An exchange may begin before its process. It
 * lasts until the whole process group has gone, even without its owner. Only when a gate stops, a process that SIGKILL
 * does not end is left behind. This file relays no bytes. It reads git's output only after the owner has released the
 * exchange, because the rest may have the report of a push. The records of a push are written last.
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

/* ---- events ---- */

/* Return: whether there may be more. */
static bool drain_errors(struct exchange *exchange) {
    ssize_t size = -EAGAIN;

    if (exchange->process.errors >= 0) {
        size = stderr_log_read(&exchange->stderr_log, exchange->process.errors);
    }
    if (size <= 0 && size != -EAGAIN) {
        exchange_close_errors(exchange);
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

/* Counts the bytes at the front of the output that must not be followed: the head, or those followed before. */
static size_t count_followed(struct exchange *exchange) {
    struct span output = buffer_content(&exchange->output);
    struct cgi cgi;

    if (!exchange->awaits_head && exchange->state != EXCHANGE_HOLDING && exchange->state != EXCHANGE_FAILED) {
        return exchange->chunk_left;
    }
    exchange->awaits_head = cgi_parse(&cgi, output) != 0;
    return exchange->awaits_head ? output.size : cgi.size;
}

/* Follows the buffered output that was not followed yet. Then drops all of it, because no client gets it. */
static void drop_buffered(struct exchange *exchange) {
    size_t size = count_followed(exchange);
    struct span output = buffer_content(&exchange->output);

    exchange_follow_output(exchange, (struct span){output.data + size, output.size - size});
    buffer_release(&exchange->output);
    exchange->chunk_left = 0;
}

/* Reads and drops the output that no client gets. Otherwise git would block on a full pipe, and could not end. */
static void drain_output(struct exchange *exchange) {
    ssize_t size = GATE_LARGE_BYTES;

    for (unsigned i = 0; i < EXCHANGE_LAST_WORDS_READS && size == GATE_LARGE_BYTES; i++) {
        size = buffer_read(&exchange->output, exchange->process.output);
        drop_buffered(exchange);
    }
    if (size <= 0 && size != -EAGAIN) {
        exchange_close_output(exchange);
    }
}

/* Closes the output in EXCHANGE_ENDING. Before that, reads it once more, because it may have the report of a push. */
static void end_output(struct exchange *exchange) {
    if (exchange->push_log && exchange->process.output >= 0) {
        drain_output(exchange);
    }
    exchange_close_output(exchange);
}

static void log_push(struct exchange *exchange) {
    if (!exchange->push_log) {
        return;
    }
    push_log_hear(exchange->push_log, exchange->told);
    drop_buffered(exchange);
    exchange->state = EXCHANGE_ENDING;
    end_output(exchange);
    push_log_write(&exchange->gate->log, exchange->push_log, false);
    move_stream_write(&exchange->gate->moves, exchange->push_log);
    exchange->push_log = push_log_free(exchange->push_log);
}

static void let_hooks_finish(struct exchange *exchange);

static void on_output(uint32_t events, void *userdata) {
    struct exchange *exchange = userdata;

    exchange->output_ready = true;
    exchange->output_is_shut |= (events & EPOLLHUP) != 0;
    if (exchange->state == EXCHANGE_ENDING) {
        drain_output(exchange);
        let_hooks_finish(exchange);
    }
    tell_owner(exchange);
}

static void on_errors(uint32_t events, void *userdata) {
    (void)events;
    (void)drain_errors(userdata);
}

/* ---- end ---- */

void exchange_free(struct exchange *exchange) {
    log_push(exchange);
    exchange_close_input(exchange);
    exchange_close_output(exchange);
    exchange_close_errors(exchange);
    loop_unwatch(&exchange->exit_io);
    loop_unwatch(&exchange->others_io);
    loop_timer_clear(&exchange->listen_timer);
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

/* Undoes exchange_process_announce(). This may start the process of another exchange. */
static void uncount(struct exchange *exchange) {
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

/* git removes its lock files on SIGTERM, and processes that a hook has left running may do so, too. */
static void terminate_group(struct exchange *exchange) {
    exchange->is_told = true;
    process_signal(&exchange->process, SIGTERM);
    end_after(exchange, EXCHANGE_KILL_TIMEOUT_S * US_PER_S, on_kill);
}

/* The leader ends soon after SIGTERM. Its descendants get time to end, too. Return: whether to wait for any of them. */
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
        terminate_group(exchange);
    }
    return true;
}

/*
 * The leader ends after all processes that serve the request, and process_reap() kills any that are left. So all that
 * they wrote is in the pipes.
 */
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
    exchange_close_errors(exchange);
    uncount(exchange);
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
    terminate_group(exchange);
    end_output(exchange);
}

/*
 * Whether to end the input first, and to send SIGTERM later. Before its input is whole, receive-pack holds no lock. It
 * removes its quarantine at the end of its input but, since git 2.39, not on a signal. A push that has come as a whole
 * may hold locks or wait for a hook, so it gets time to finish. If the gate ends, the drain was that time.
 */
static bool hangs_up_first(const struct exchange *exchange) {
    bool is_ending = exchange->gate->stage >= GATE_ENDING;

    return exchange->pushes && !(exchange->consumed && is_ending);
}

/* Whether a push that has come as a whole has lost nothing but its client. */
static bool has_lost_client(const struct exchange *exchange) {
    return exchange->pushes && exchange->is_started && exchange->consumed && !exchange->is_told &&
           (exchange->code == REASON_NONE || exchange->code == REASON_CLIENT_TIMEOUT) &&
           exchange->gate->stage < GATE_ENDING;
}

/* Hooks that follow receive-pack's report may announce or forward the push, so they may finish without the client. */
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

    uncount(exchange);
    exchange_free(exchange);
}

void exchange_release(struct exchange *exchange) {
    if (exchange->exited) {
        exchange_free(exchange);
        return;
    }
    exchange->deadline_us = has_lost_client(exchange) ? deadline(exchange) : 0;
    drop_buffered(exchange);
    exchange->state = EXCHANGE_ENDING;
    exchange->client = (struct exchange_client){0};
    exchange_close_input(exchange);
    if (!exchange->is_started) { /* not now: the end may start another exchange, and the owner is at work */
        loop_defer(exchange->gate->loop, &exchange->end_task, forget, exchange);
    } else if (exchange->is_told) {
        end_output(exchange); /* the leader has ended, and the timer for SIGKILL runs */
    } else if (hangs_up_first(exchange)) {
        end_after(exchange, EXCHANGE_HANGUP_TIMEOUT_S * US_PER_S, on_terminate);
        drain_output(exchange);
        let_hooks_finish(exchange);
    } else {
        exchange_terminate(exchange);
    }
}

void exchange_kill(struct exchange *exchange) {
    exchange->is_killed = true;
    process_signal(&exchange->process, SIGKILL);
    if (loop_is_watched(&exchange->others_io)) { /* a process that has left the group may hold the lifeline for ever */
        loop_defer(exchange->gate->loop, &exchange->end_task, finish, exchange);
    }
}

static void abandon(struct exchange *exchange, uint64_t deadline_us) {
    uint64_t now_us = clock_now_us();

    if (exchange->is_started && !exchange->is_killed && now_us < deadline_us) {
        process_await_end(&exchange->process, (int)((deadline_us - now_us) / US_PER_MS));
    }
    exchange_kill(exchange);
    uncount(exchange);
    exchange_free(exchange);
}

/* The loop may have failed, so no timer may fire. */
void exchange_abandon_all(struct gate *gate) {
    uint64_t deadline_us = clock_now_us() + EXCHANGE_ABANDON_TIMEOUT_MS * US_PER_MS;
    struct exchange *exchange;

    LIST_FOREACH(exchange, &gate->exchanges, entry) {
        if (exchange->is_started && !exchange->is_killed) {
            process_signal(&exchange->process, SIGTERM);
        }
    }
    while ((exchange = LIST_FIRST(&gate->exchanges))) {
        abandon(exchange, deadline_us); /* NOLINT(clang-analyzer-unix.Malloc): uncount() has taken it off the list */
    }
}

/* ---- begin ---- */

/* A git with little to say has ended by now, and finish() has read its words, which spared the gate three wake-ups. */
static void listen_to_output(void *userdata) {
    struct exchange *exchange = userdata;
    struct process *process = &exchange->process;
    struct loop *loop = exchange->gate->loop;
    int r = 0;

    if (process->errors >= 0) {
        r = loop_watch(loop, &exchange->errors_io, process->errors, EPOLLIN, on_errors, exchange);
    }
    if (!r && process->output >= 0) {
        r = loop_watch(loop, &exchange->output_io, process->output, EPOLLIN | EPOLLET, on_output, exchange);
    }
    if (r && exchange_is_running(exchange)) {
        (void)exchange_fail(exchange, REASON_GATE_FAILED, "the gate cannot watch git's output; try again later");
        tell_owner(exchange);
    } /* otherwise nobody waits for the output, and the end of git is watched */
}

int exchange_process_watch(struct exchange *exchange) {
    struct process *process = &exchange->process;
    struct loop *loop = exchange->gate->loop;
    int r = loop_watch(loop, &exchange->exit_io, process->pidfd, EPOLLIN | EPOLLET, on_end, exchange);

    if (r) {
        exchange->process.failed_call = "epoll_ctl";
        (void)process_reap(process, &exchange->exit_status); /* kills it first */
        return r;
    }
    loop_timer_set(loop, &exchange->listen_timer, loop->now_us + EXCHANGE_LISTEN_US, listen_to_output, exchange);
    exchange->is_started = true;
    exchange_process_announce(exchange);
    return 0;
}
