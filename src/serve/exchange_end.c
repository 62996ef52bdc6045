/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the end of a process that nobody waits for any more: what it may still say, how long it gets for which step, and
 * whether something of its group lives on. An exchange does not outlive its process, and no process outlives its
 * exchange, unless a server that has given up waiting abandons one that not even SIGKILL ends.
 */

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

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

/*
 * The leader is quick to end at SIGTERM; what it started gets its time too. Return: whether there is anything to wait for.
 */
bool exchange_await_others(struct exchange *exchange, sd_event_io_handler_t on_end) {
    if (exchange->state != EXCHANGE_ENDING || exchange->is_killed || !process_others_live(&exchange->process)) {
        return false;
    }
    return exchange->others_source || (sd_event_source_set_enabled(exchange->exit_source, SD_EVENT_OFF) >= 0 &&
                                       sd_event_add_io(exchange->server->event, &exchange->others_source,
                                                       exchange->process.lifeline, EPOLLERR, on_end, exchange) >= 0);
}

static int on_kill(sd_event_source *source, uint64_t usec, void *userdata) {
    (void)source, (void)usec;
    exchange_kill(userdata);
    return 0;
}

/* Has @handler called after @timeout_us, or kills at once: no patience without a timer. */
static void end_after(struct exchange *exchange, uint64_t timeout_us, sd_event_time_handler_t handler) {
    exchange->kill_source = sd_event_source_disable_unref(exchange->kill_source);
    if (sd_event_add_time_relative(exchange->server->event, &exchange->kill_source, CLOCK_MONOTONIC, timeout_us, 1,
                                   handler, exchange) < 0) {
        exchange_kill(exchange);
    }
}

static int on_terminate(sd_event_source *source, uint64_t usec, void *userdata) {
    struct exchange *exchange = userdata;

    (void)source, (void)usec;
    process_signal(&exchange->process, SIGTERM); /* git removes its lock files */
    exchange_close_output(exchange);
    end_after(exchange, EXCHANGE_KILL_TIMEOUT_S * US_PER_S, on_kill);
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
    exchange_close_input(exchange);
    if (exchange->pushes) {
        /* receive-pack removes its quarantine at the end of its input, and since git 2.39 not when it gets a signal. */
        exchange_drop_output(exchange);
        end_after(exchange, EXCHANGE_HANGUP_TIMEOUT_S * US_PER_S, on_terminate);
    } else {
        (void)on_terminate(NULL, 0, exchange);
    }
}

void exchange_kill(struct exchange *exchange) {
    exchange->is_killed = true;
    process_signal(&exchange->process, SIGKILL);
    if (exchange->exit_source) {
        (void)sd_event_source_set_enabled(exchange->exit_source, SD_EVENT_ON); /* no more waiting for others */
    }
}

void exchange_abandon(struct exchange *exchange) {
    exchange_kill(exchange);
    server_backend_ended(exchange->server, exchange);
    exchange_free(exchange);
}
