/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists the gate's reasons for a refusal, each with its word and its status. The gate writes the words. The programs
 * inside of containers read them, so this file must need no library but libc.
 */

#include "http/reason.h"

#include <assert.h>
#include <stddef.h>

const char reason_field[] = "Gate-Reason";

static const struct {
    const char *word;
    int status;
} reasons[] = {
    [REASON_NONE] = {"", 0},
    [REASON_BAD_REQUEST] = {"bad-request", 400},
    [REASON_BAD_PROTOCOL] = {"bad-protocol", 400},
    [REASON_BAD_BODY] = {"bad-body", 400},
    [REASON_NO_CREDENTIALS] = {"no-credentials", 401},
    [REASON_WRONG_TOKEN] = {"wrong-token", 401},
    [REASON_WRONG_REPOSITORY] = {"wrong-repository", 403},
    [REASON_READ_ONLY] = {"read-only", 403},
    [REASON_DUMB_PROTOCOL] = {"dumb-protocol", 403},
    [REASON_GIT_REFUSES] = {"git-refuses", 403},
    [REASON_NOT_FOUND] = {"not-found", 404},
    [REASON_NO_LFS] = {"no-lfs", 404},
    [REASON_NO_ARCHIVE] = {"no-archive", 404},
    [REASON_NO_REPOSITORY] = {"no-repository", 404},
    [REASON_UNREADABLE_REPOSITORY] = {"unreadable-repository", 404},
    [REASON_REPLACED_REPOSITORY] = {"replaced-repository", 404},
    [REASON_WRONG_METHOD] = {"wrong-method", 405},
    [REASON_CLIENT_TIMEOUT] = {"client-timeout", 408},
    [REASON_TOO_LARGE] = {"too-large", 413},
    [REASON_TARGET_TOO_LONG] = {"target-too-long", 414},
    [REASON_WRONG_TYPE] = {"wrong-type", 415},
    [REASON_WRONG_CODING] = {"wrong-coding", 415},
    [REASON_WRONG_EXPECTATION] = {"wrong-expectation", 417},
    [REASON_HEAD_TOO_LARGE] = {"head-too-large", 431},
    [REASON_GATE_FAILED] = {"gate-failed", 500},
    [REASON_LOST_HOOK] = {"lost-hook", 500},
    [REASON_UNSAFE_REPOSITORY] = {"unsafe-repository", 500},
    [REASON_GIT_FAILED] = {"git-failed", 500},
    [REASON_NOT_IMPLEMENTED] = {"not-implemented", 501},
    [REASON_BAD_ANSWER] = {"bad-answer", 502},
    [REASON_BUSY] = {"busy", 503},
    [REASON_STOPPING] = {"stopping", 503},
    [REASON_GIT_TIMEOUT] = {"git-timeout", 504},
    [REASON_WRONG_VERSION] = {"wrong-version", 505},
};
static_assert(sizeof(reasons) / sizeof(reasons[0]) == REASON_COUNT, "a word and a status for each reason");

const char *reason_word(enum reason reason) {
    assert(reason < REASON_COUNT); /* finds a status that was passed by mistake */
    return reasons[reason].word;
}

int reason_status(enum reason reason) {
    assert(reason < REASON_COUNT);
    return reasons[reason].status;
}

enum reason reason_find(struct span word) {
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        if (span_equals(word, reasons[reason].word)) {
            return reason;
        }
    }
    return REASON_NONE;
}

enum reason reason_of_head(int status) {
    switch (status) {
    case 414:
        return REASON_TARGET_TOO_LONG;
    case 431:
        return REASON_HEAD_TOO_LARGE;
    case 501:
        return REASON_NOT_IMPLEMENTED;
    case 505:
        return REASON_WRONG_VERSION;
    default:
        return REASON_BAD_REQUEST;
    }
}
