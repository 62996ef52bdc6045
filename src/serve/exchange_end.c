/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the end of a process that nobody waits for any more: what it may still say, how long it gets for which step, and
 * whether something of its group lives on. An exchange does not outlive its process, and no process outlives its
 * exchange, unless a server that has given up waiting abandons one that not even SIGKILL ends.
 */

#include <errno.h>
#include <signal.h>

#include "serve/exchange_internal.h"
#include "serve/server.h"

/* What git says to nobody; it has to be read, or git could not come to its end. */
void exchange_drop_output(struct exchange *exchange) {
    ssize_t size = EXCHANGE_OUTPUT_BYTES;

    for (unsigned i = 0; i < EXCHANGE_LAST_WORDS_READS && size == EXCHANGE_OUTPUT_BYTES; i++) {
        buffer_release(&exchange->output);
        size = buffer_read(&exchange->output, exchange->process.output);
    }
    if (size <= 0 && size != -EAGAIN) {
        exchange_close_output(exchange);
    }
}

static void on_others_end(uint32_t events, void *userdata) {
    (void)events;
    exchange_finish(userdata);
}

static void on_kill(void *userdata) {
    exchange_kill(userdata);
}

static void end_after(struct exchange *exchange, uint64_t timeout_us, void (*handler)(void *userdata)) {
    loop_timer_set(exchange->server->loop, &exchange->kill_timer, server_now_us(exchange->server) + timeout_us, handler,
                   exchange);
}

/* Git has ended well and something of its group lives on: a hook's background process, which may hold a lock. */
static void tell_leftovers(struct exchange *exchange) {
    exchange->is_told = true;
    process_signal(&exchange->process, SIGTERM);
    end_after(exchange, EXCHANGE_KILL_TIMEOUT_S * US_PER_S, on_kill);
}

/*
 * The leader is quick to end at SIGTERM; what it started gets its time too. Return: whether there is anything to wait for.
 */
bool exchange_await_others(struct exchange *exchange) {
    if (exchange->is_killed || !process_others_live(&exchange->process)) {
        return false;
    }
    if (!loop_is_watched(&exchange->others_io) &&
        loop_watch(exchange->server->loop, &exchange->others_io, exchange->process.lifeline, EPOLLERR, on_others_end,
                   exchange) != 0) {
        return false;
    }
    if (exchange->state != EXCHANGE_ENDING && !exchange->is_told) {
        tell_leftovers(exchange);
    }
    return true;
}

static void on_terminate(void *userdata) {
    exchange_terminate(userdata);
}

void exchange_terminate(struct exchange *exchange) {
    if (exchange->is_told) {
        return;
    }
    exchange->is_told = true;
    process_signal(&exchange->process, SIGTERM); /* git removes its lock files */
    exchange_close_output(exchange);
    end_after(exchange, EXCHANGE_KILL_TIMEOUT_S * US_PER_S, on_kill);
}

/*
 * Whether the end of its input is what a push has to see first. Until its input is whole, receive-pack holds no lock, and
 * it removes its quarantine at the end of the input, but since git 2.39 not on a signal. A push that has come as a whole
 * may hold locks and may wait for a hook: it gets time to finish, unless the gate ends, whose drain was that time.
 */
static bool hangs_up_first(const struct exchange *exchange) {
    bool is_ending = exchange->server->stage >= SERVER_ENDING;

    return exchange->pushes && !(exchange->consumed && is_ending);
}

void exchange_release(struct exchange *exchange) {
    if (exchange->exited) {
        exchange_free(exchange);
        return;
    }
    exchange->state = EXCHANGE_ENDING;
    exchange->connection = NULL;
    exchange->request = NULL;
    exchange_close_input(exchange);
    if (exchange->is_told) {
        exchange_close_output(exchange); /* its leader has ended, and SIGKILL is on its way to the rest */
    } else if (hangs_up_first(exchange)) {
        exchange_drop_output(exchange);
        end_after(exchange, EXCHANGE_HANGUP_TIMEOUT_S * US_PER_S, on_terminate);
    } else {
        exchange_terminate(exchange);
    }
}

void exchange_kill(struct exchange *exchange) {
    exchange->is_killed = true;
    process_signal(&exchange->process, SIGKILL);
    if (loop_is_watched(&exchange->others_io)) { /* no more waiting for others, who may have got away */
        loop_defer(exchange->server->loop, &exchange->end_task, exchange_finish, exchange);
    }
}

void exchange_abandon(struct exchange *exchange) {
    if (!exchange->is_killed) { /* the loop has failed, so no timer will come */
        process_signal(&exchange->process, SIGTERM);
        process_await_end(&exchange->process, EXCHANGE_ABANDON_TIMEOUT_MS);
    }
    exchange_kill(exchange);
    server_backend_ended(exchange->server, exchange);
    exchange_free(exchange);
}
