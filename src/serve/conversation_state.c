/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends the requests of a conversation: with a reply, a log record, and the state that follows the response. This file
 * parses no bytes and starts no process.
 */

#include "serve/conversation_state.h"

#include <assert.h>
#include <string.h>

#include "backend/cgi.h"
#include "http/reply.h"

static_assert((int)HEAD_MAX_BYTES <= (int)CONVERSATION_AHEAD_BYTES, "the input is read until it has a whole head");
static_assert((int)REPLY_MAX_BYTES <= (int)GATE_WIRE_BYTES, "a reply fits on an empty wire");
static_assert((int)CGI_HEAD_MAX_BYTES + (int)REPLY_MAX_BYTES <= (int)GATE_WIRE_BYTES, "so does git's response head");

static const char *const state_names[] = {
    [CONVERSATION_IDLE] = "idle",           [CONVERSATION_HEAD] = "head",         [CONVERSATION_BODY] = "body",
    [CONVERSATION_QUEUED] = "queued",       [CONVERSATION_EXCHANGE] = "exchange", [CONVERSATION_REPLYING] = "replying",
    [CONVERSATION_LINGERING] = "lingering", [CONVERSATION_CLOSED] = "closed",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == CONVERSATION_STATE_COUNT, "every state has a name");

const char *conversation_state_name(enum conversation_state state) {
    return state_names[state];
}

bool conversation_reply(struct conversation *conversation, enum reason code, const char *reason, bool is_in_step) {
    struct request *request = &conversation->request;
    const struct reply reply = {
        .code = code,
        .sentence = reason,
        .allow = conversation->verdict.allow,
        .close = conversation->close_after || !is_in_step,
        .omit_body = request->method && strcmp(request->method, "HEAD") == 0,
        .date = reply_date(&conversation->gate->date, conversation->gate->loop->now_s),
    };

    request->status = reason_status(code);
    request->reason = reason;
    conversation->close_after = reply.close;
    conversation->linger_after = !is_in_step;
    conversation->state = reply_append(&conversation->wire, &reply) < 0 ? CONVERSATION_CLOSED : CONVERSATION_REPLYING;
    return true;
}

bool conversation_reply_out_of_memory(struct conversation *conversation) {
    return conversation_reply(conversation, REASON_GATE_FAILED, "the gate is out of memory; try again later",
                              !head_has_body(&conversation->head));
}

void conversation_log_request(struct conversation *conversation) {
    if (conversation_has_request(conversation)) {
        request_log_write(&conversation->request, &conversation->gate->log, conversation->client,
                          conversation->gate->loop->now_us);
    }
    conversation->request = (struct request){0};
}

void conversation_end_preview(struct conversation *conversation) {
    conversation->preview = preview_free(conversation->preview);
    conversation->foresight = foresight_free(conversation->foresight);
}

void conversation_finish_request(struct conversation *conversation) {
    struct buffer *input = &conversation->input;

    conversation_end_preview(conversation);
    conversation_log_request(conversation);
    if (!conversation->has_responded) {
        conversation->has_responded = true; /* often a 401, which the client answers with credentials */
        conversation->heard_us = conversation->gate->loop->now_us;
    }
    /* After close(2) with unread input, the kernel resets the connection. So bytes behind the last request are read. */
    conversation->linger_after |= conversation->close_after && buffer_size(input) > 0;
    if (conversation->linger_after && !conversation->end_of_input) {
        buffer_release(input);
        conversation->state = CONVERSATION_LINGERING;
    } else if (conversation->close_after || conversation->linger_after) {
        conversation->state = CONVERSATION_CLOSED;
    } else {
        if (buffer_size(input) == 0) {
            buffer_release(input);
        }
        buffer_release(&conversation->wire);
        conversation->state = CONVERSATION_IDLE;
    }
}
