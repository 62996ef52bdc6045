/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

/**
 * enum reason - why a gate refuses or fails, for programs
 *
 * Each has one status, and one word, which the response carries in the field Gate-Reason. git-gate(1), REASONS, lists
 * them, and says what to do. The words are stable: one may be added, none changes its meaning.
 */
enum reason {
    REASON_NONE,
    REASON_BAD_REQUEST,
    REASON_BAD_PROTOCOL,
    REASON_BAD_BODY,
    REASON_NO_CREDENTIALS,
    REASON_WRONG_TOKEN,
    REASON_WRONG_REPOSITORY,
    REASON_READ_ONLY,
    REASON_DUMB_PROTOCOL,
    REASON_GIT_REFUSES,
    REASON_NOT_FOUND,
    REASON_NO_LFS,
    REASON_NO_ARCHIVE,
    REASON_NO_REPOSITORY,
    REASON_UNREADABLE_REPOSITORY,
    REASON_REPLACED_REPOSITORY,
    REASON_WRONG_METHOD,
    REASON_CLIENT_TIMEOUT,
    REASON_TOO_LARGE,
    REASON_TARGET_TOO_LONG,
    REASON_WRONG_TYPE,
    REASON_WRONG_CODING,
    REASON_WRONG_EXPECTATION,
    REASON_HEAD_TOO_LARGE,
    REASON_GATE_FAILED,
    REASON_LOST_HOOK,
    REASON_UNSAFE_REPOSITORY,
    REASON_GIT_FAILED,
    REASON_NOT_IMPLEMENTED,
    REASON_BAD_ANSWER,
    REASON_BUSY,
    REASON_STOPPING,
    REASON_GIT_TIMEOUT,
    REASON_WRONG_VERSION,
    REASON_COUNT,
};

/** reason_field - the name of the field, "Gate-Reason" */
extern const char reason_field[];

/** reason_word() - the word of a @reason, of lower-case letters and hyphens; "" for REASON_NONE */
const char *reason_word(enum reason reason);

/** reason_status() - the status that goes with a @reason; 0 for REASON_NONE */
int reason_status(enum reason reason);

/** reason_find() - the reason with this @word; REASON_NONE when there is none */
enum reason reason_find(struct span word);

/** reason_of_head() - the reason that goes with @status, when head_feed() refuses with it */
enum reason reason_of_head(int status);
