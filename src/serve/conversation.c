/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Defines what a conversation does in each state: how it takes bytes from its input, and puts bytes on its wire. It
 * neither reads nor writes the socket: connection.c moves the bytes, notices changes of state, and keeps the time.
 */

#include "serve/conversation.h"

#include <assert.h>
#include <stdio.h>

#include "serve/conversation_request.h"

/* ---- begin and end ---- */

void conversation_init(struct conversation *conversation, struct gate *gate, const char *client,
                       void (*on_event)(void *userdata), void *userdata) {
    *conversation = (struct conversation){
        .gate = gate,
        .on_event = on_event,
        .userdata = userdata,
        .state = CONVERSATION_HEAD,
        .heard_us = gate->loop->now_us,
    };
    (void)snprintf(conversation->client, sizeof(conversation->client), "%s", client);
    buffer_init_pooled(&conversation->input, &gate->large_pool);
    buffer_init_pooled(&conversation->wire, &gate->wire_pool);
}

void conversation_deinit(struct conversation *conversation) {
    struct request *request = &conversation->request;

    if (conversation_has_request(conversation) && !request->reason) {
        request->reason = "the client went away";
        request->is_abandoned = true;
    }
    if (conversation->exchange) {
        request->bytes_in += exchange_body_bytes(conversation->exchange);
        exchange_release(conversation->exchange);
    }
    conversation_log_request(conversation);
    conversation_end_preview(conversation);
    turns_leave(&conversation->gate->turns, &conversation->turn);
    buffer_deinit(&conversation->input);
    buffer_deinit(&conversation->wire);
}

void conversation_give_up(struct conversation *conversation, const char *reason) {
    if (conversation_has_request(conversation) && !conversation->request.reason) {
        conversation->request.reason = reason;
    }
}

/* Whether an HTTP/1.0 response has begun and a part of it is unsent. Such a response ends where the connection ends. */
static bool cuts_without_chunks(const struct conversation *conversation) {
    const struct exchange *exchange = conversation->exchange;

    if (!conversation_has_request(conversation) || conversation->head.minor != 0) {
        return false;
    }
    return exchange ? exchange->state != EXCHANGE_HOLDING && exchange->state != EXCHANGE_FAILED
                    : conversation->request.status == 200 && buffer_size(&conversation->wire) > 0;
}

bool conversation_needs_reset(const struct conversation *conversation) {
    return conversation->reset_after || cuts_without_chunks(conversation);
}

/* ---- outgoing bytes ---- */

void conversation_outgoing(const struct conversation *conversation, struct span parts[CONVERSATION_PARTS]) {
    const struct exchange *exchange = conversation->exchange;

    parts[0] = buffer_content(&conversation->wire);
    parts[1] = (struct span){"", 0};
    if (exchange && exchange->chunk_left > 0) {
        parts[1] = (struct span){buffer_content(&exchange->output).data, exchange->chunk_left};
    }
}

void conversation_sent(struct conversation *conversation, size_t size) {
    size_t n_wire = size < buffer_size(&conversation->wire) ? size : buffer_size(&conversation->wire);

    conversation->request.bytes_out += (uint64_t)size;
    buffer_consume(&conversation->wire, n_wire);
    if (conversation->exchange) {
        exchange_sent(conversation->exchange, size - n_wire);
    }
}

void conversation_assume_ready(struct conversation *conversation) {
    if (conversation->exchange) {
        exchange_assume_ready(conversation->exchange);
    }
}

/* ---- one step of each state; each returns whether anything moved ---- */

static bool step_idle(struct conversation *conversation) {
    if (buffer_size(&conversation->input) > 0) {
        conversation->state = CONVERSATION_HEAD;
        return true;
    }
    if (conversation->end_of_input) {
        conversation->state = CONVERSATION_CLOSED;
    }
    return false;
}

static bool step_head(struct conversation *conversation) {
    struct span content = buffer_content(&conversation->input);

    if (content.size == 0) {
        if (conversation->end_of_input) {
            conversation->state = CONVERSATION_CLOSED;
        }
        return false;
    }
    if (!conversation_has_request(conversation)) {
        conversation_begin_request(conversation);
    }
    switch (head_feed(&conversation->head, content.data, content.size)) {
    case 0:
        return conversation_judge(conversation);
    case HEAD_E_REFUSED:
        return conversation_reply(conversation, reason_of_head(conversation->head.status), conversation->head.reason,
                                  false);
    default:
        return conversation->end_of_input &&
               conversation_reply(conversation, REASON_BAD_REQUEST, "the request head was cut short", false);
    }
}

static bool step_exchange(struct conversation *conversation) {
    struct exchange *exchange = conversation->exchange;
    struct request *request = &conversation->request;
    bool moved;
    bool is_consumed;

    exchange->closes = conversation->close_after; /* a drain may have begun */
    moved = exchange_pump(exchange);
    if (conversation->end_of_input && buffer_size(&conversation->input) == 0) {
        exchange_end_of_input(exchange);
    }
    if (exchange->state == EXCHANGE_HOLDING || exchange->state == EXCHANGE_RESPONDING ||
        (exchange->state == EXCHANGE_COMPLETE && buffer_size(&conversation->wire) > 0)) {
        return moved;
    }
    conversation->heard_us = conversation->gate->loop->now_us;
    is_consumed = exchange_is_consumed(exchange);
    request->bytes_in += exchange_body_bytes(exchange);
    request->status = exchange->status;
    request->reason = exchange->reason;
    conversation->exchange = NULL;
    switch (exchange->state) {
    case EXCHANGE_COMPLETE:
        conversation->linger_after = !is_consumed;
        conversation_finish_request(conversation);
        break;
    case EXCHANGE_FAILED:
        (void)conversation_reply(conversation, exchange->code, exchange->reason, is_consumed);
        break;
    default:
        request->status = 200; /* the status that the client saw before the cut */
        conversation->reset_after = conversation->head.minor == 0;
        conversation->state = CONVERSATION_CLOSED;
    }
    exchange_release(exchange);
    return true;
}

static bool step_replying(struct conversation *conversation) {
    if (buffer_size(&conversation->wire) > 0) {
        return false;
    }
    conversation_finish_request(conversation);
    return true;
}

static bool step_lingering(struct conversation *conversation) {
    size_t size = buffer_size(&conversation->input);

    buffer_consume(&conversation->input, size);
    if (conversation->end_of_input) {
        conversation->state = CONVERSATION_CLOSED;
    }
    return size > 0;
}

static bool step_waiting(struct conversation *conversation) {
    (void)conversation;
    return false;
}

static bool (*const steps[])(struct conversation *) = {
    [CONVERSATION_IDLE] = step_idle,
    [CONVERSATION_HEAD] = step_head,
    [CONVERSATION_BODY] = conversation_look_ahead,
    [CONVERSATION_QUEUED] = step_waiting,
    [CONVERSATION_EXCHANGE] = step_exchange,
    [CONVERSATION_REPLYING] = step_replying,
    [CONVERSATION_LINGERING] = step_lingering,
    [CONVERSATION_CLOSED] = step_waiting,
};
static_assert(sizeof(steps) / sizeof(steps[0]) == CONVERSATION_STATE_COUNT, "every state has a step");

/* ---- moves ---- */

bool conversation_step(struct conversation *conversation) {
    return steps[conversation->state](conversation);
}

static void time_out_queued(struct conversation *conversation, bool is_overdue) {
    if (is_overdue) {
        conversation_leave_queue(conversation, REASON_BUSY,
                                 "the request queued for longer than --request-timeout allows; try again later");
    } else if (!turns_keep(&conversation->gate->turns, &conversation->turn)) {
        conversation_leave_queue(conversation, REASON_BUSY,
                                 "all git processes are busy; try again later, or raise --max-backends");
    }
}

void conversation_time_out(struct conversation *conversation, bool is_overdue) {
    switch (conversation->state) {
    case CONVERSATION_HEAD:
        if (conversation_has_request(conversation)) {
            (void)conversation_reply(conversation, REASON_CLIENT_TIMEOUT,
                                     "the request head did not come within --header-timeout", false);
        } else {
            conversation->state = CONVERSATION_CLOSED;
        }
        break;
    case CONVERSATION_BODY:
        (void)conversation_refuse_body(conversation, REASON_CLIENT_TIMEOUT,
                                       is_overdue
                                           ? "the client took longer for the request than --request-timeout allows"
                                           : "the client stalled for longer than --stall-timeout allows");
        break;
    case CONVERSATION_QUEUED:
        time_out_queued(conversation, is_overdue);
        break;
    case CONVERSATION_EXCHANGE:
        exchange_time_out(conversation->exchange, is_overdue);
        break;
    case CONVERSATION_REPLYING:
    case CONVERSATION_IDLE:
    case CONVERSATION_LINGERING:
    case CONVERSATION_CLOSED:
    case CONVERSATION_STATE_COUNT:
        conversation->state = CONVERSATION_CLOSED;
    }
}

void conversation_drain(struct conversation *conversation) {
    conversation->close_after = true;
    if (conversation->state == CONVERSATION_QUEUED) {
        conversation_leave_queue(conversation, REASON_STOPPING, "the gate is stopping; try again when it is back");
    } else if (conversation->state == CONVERSATION_HEAD && conversation_has_request(conversation)) {
        (void)conversation_reply(conversation, REASON_STOPPING, "the gate is stopping; try again when it is back",
                                 false);
    }
}
