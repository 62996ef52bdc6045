/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks a request and admits it. The head gets a verdict, and the beginning of the body is checked ahead. Then the
 * request gets a cached response or a process, or it queues for a process. No process starts before all checks have
 * passed. This file moves no bytes to git or from it: the exchange does.
 */

#include "serve/conversation_request.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "http/reply.h"
#include "serve/conversation_state.h"
#include "serve/git_response.h"
#include "serve/obstacle.h"

void conversation_begin_request(struct conversation *conversation) {
    conversation->request = (struct request){
        .id = ++conversation->gate->n_requests,
        .begin_us = conversation->gate->loop->now_us,
    };
    conversation->verdict = (struct verdict){0};
    conversation->linger_after = conversation->is_whole = false;
    head_init(&conversation->head);
}

static bool start_exchange(struct conversation *conversation) {
    const struct exchange_client client = {
        .input = &conversation->input,
        .wire = &conversation->wire,
        .request = &conversation->request,
        .address = conversation->client,
        .on_event = conversation->on_event,
        .userdata = conversation->userdata,
    };
    bool has_body = head_has_body(&conversation->head);
    const char *reason;
    enum reason code;

    code = obstacle_find(&reason, conversation->gate, &conversation->request, conversation->verdict.route->pushes);
    if (code != REASON_NONE) {
        return conversation_reply(conversation, code, reason, !has_body);
    }
    if (exchange_start(&conversation->exchange, conversation->gate, &client, &conversation->head,
                       &conversation->verdict, conversation->is_whole) < 0) {
        return conversation_reply(conversation, REASON_GATE_FAILED, "git cannot be started; the gate's log says why",
                                  !has_body);
    }
    conversation->state = CONVERSATION_EXCHANGE;
    return true;
}

/* Responds with git's earlier output, if the cache has it and it is still valid. Return: whether it does. */
static bool respond_from_cache(struct conversation *conversation) {
    struct advertisement_cache *cache = &conversation->gate->advertisements;
    const struct git_response_form form = {
        .is_chunked = conversation->head.minor == 1,
        .closes = conversation->close_after,
        .date = reply_date(&conversation->gate->date, conversation->gate->loop->now_s),
    };
    struct span output = {NULL, 0};

    if (advertisement_cache_covers(cache, &conversation->request)) {
        output = advertisement_cache_lookup(cache, conversation->request.repository);
    }
    if (!output.data || git_response_append(&conversation->wire, &form, output) != 0) {
        return false;
    }
    conversation->request.status = 200;
    conversation->request.is_kept = true;
    conversation->state = CONVERSATION_REPLYING;
    return true;
}

static void on_turn(void *userdata) {
    struct conversation *conversation = userdata;

    (void)start_exchange(conversation);
    conversation->on_event(conversation->userdata);
}

/* Called when enough of a request has come. Starts a process for it, or queues it. */
static bool admit(struct conversation *conversation) {
    if (turns_are_free(&conversation->gate->turns)) {
        return start_exchange(conversation);
    }
    turns_wait(&conversation->gate->turns, &conversation->turn, on_turn, conversation);
    conversation->state = CONVERSATION_QUEUED;
    return true;
}

static void foresee(void *userdata, struct span bytes) {
    foresight_feed(userdata, bytes);
}

/*
 * Whether the repository has the file "shallow"; true if that cannot be found out. For git, a commit that this file
 * names has no parents. So a tip may be lost although the bytes of the push show it behind such a commit.
 */
static bool is_shallow(const struct conversation *conversation) {
    char repository[PATH_MAX];
    char path[PATH_MAX];

    return !settings_path_of(repository, conversation->gate->settings, conversation->request.repository) ||
           snprintf(path, sizeof(path), "%s/shallow", repository) >= (int)sizeof(path) || access(path, F_OK) == 0 ||
           errno != ENOENT;
}

/* Begins to check the body ahead. With --keep-old, also looks whether a push takes tips from references. */
static int begin_preview(struct conversation *conversation) {
    const struct verdict *verdict = &conversation->verdict;
    int r = preview_new(&conversation->preview, &conversation->head, verdict->gzip,
                        settings_max_body_bytes(conversation->gate->settings, verdict->route->pushes));

    if (r || !verdict->route->pushes || !conversation->gate->environ.keep_old) {
        return r;
    }
    r = foresight_new(&conversation->foresight);
    conversation->preview->follow = foresee;
    conversation->preview->userdata = conversation->foresight;
    return r;
}

static bool await_body(struct conversation *conversation) {
    const struct verdict *verdict = &conversation->verdict;

    if (begin_preview(conversation) < 0 || (verdict->expects_continue && buffer_size(&conversation->input) == 0 &&
                                            reply_append_continue(&conversation->wire) < 0)) {
        return conversation_reply_out_of_memory(conversation);
    }
    conversation->state = CONVERSATION_BODY;
    return true;
}

bool conversation_judge(struct conversation *conversation) {
    struct head *head = &conversation->head;
    struct verdict *verdict = &conversation->verdict;
    bool has_body = head_has_body(head);
    uint64_t max_body_bytes;

    verdict_reach(verdict, &conversation->gate->settings->policy, head);
    request_log_remember(&conversation->request, head, verdict);
    verdict->repository = verdict->git_protocol = (struct span){NULL, 0};
    conversation->request.bytes_in = head->size;
    conversation->close_after = !head->keep_alive || conversation->gate->stage != GATE_SERVING;
    buffer_consume(&conversation->input, head->size);
    if (verdict->status) {
        return conversation_reply(conversation, verdict->code, verdict->reason, !has_body);
    }
    max_body_bytes = settings_max_body_bytes(conversation->gate->settings, verdict->route->pushes);
    if (max_body_bytes > 0 && head->content_length > max_body_bytes) {
        return conversation_reply(conversation, REASON_TOO_LARGE, settings_too_large(verdict->route->pushes), false);
    }
    conversation->is_proven = true;
    /* An empty body is no valid gzip: the preview refuses it. */
    if (has_body || verdict->gzip) {
        return await_body(conversation);
    }
    return respond_from_cache(conversation) || admit(conversation);
}

bool conversation_refuse_body(struct conversation *conversation, enum reason code, const char *reason) {
    conversation->request.bytes_in += content_body_bytes(&conversation->preview->content);
    return conversation_reply(conversation, code, reason, false);
}

bool conversation_look_ahead(struct conversation *conversation) {
    struct preview *preview = conversation->preview;
    size_t n_seen = preview->n_seen;
    const char *fault;

    switch (preview_feed(preview, buffer_content(&conversation->input))) {
    case 0:
        fault = conversation->verdict.route->pushes ? NULL : fetch_body_find_fault(&preview->fetch_body);
        if (fault) {
            return conversation_refuse_body(conversation, REASON_BAD_BODY, fault);
        }
        conversation->is_whole = true;
        break;
    case PREVIEW_E_BUSY:
        conversation->yields = true; /* a few compressed bytes can inflate to many */
        return true;
    case PREVIEW_E_MORE:
        if (conversation->end_of_input) {
            return conversation_refuse_body(conversation, REASON_BAD_BODY, "the request body was cut short");
        }
        if (!conversation_has_enough(conversation)) {
            return preview->n_seen > n_seen;
        }
        break;
    case CONTENT_E_MALFORMED:
        return conversation_refuse_body(conversation, REASON_BAD_BODY, preview->content.reason);
    case CONTENT_E_TOO_LARGE:
        return conversation_refuse_body(conversation, REASON_TOO_LARGE,
                                        settings_too_large(conversation->verdict.route->pushes));
    default:
        return conversation_reply_out_of_memory(conversation);
    }
    conversation->request.loses_nothing =
        conversation->foresight && foresight_loses_nothing(conversation->foresight) && !is_shallow(conversation);
    conversation_end_preview(conversation);
    return admit(conversation);
}

void conversation_leave_queue(struct conversation *conversation, enum reason code, const char *reason) {
    turns_leave(&conversation->gate->turns, &conversation->turn);
    (void)conversation_reply(conversation, code, reason, !head_has_body(&conversation->head));
}
