/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "access/route.h"
#include "access/token.h"
#include "base/span.h"
#include "http/head.h"
#include "http/reason.h"

enum {
    VERDICT_GIT_PROTOCOL_MAX_BYTES = 255, /* git sends "version=2" */
};

/**
 * struct verdict_policy - who may use which repository, and how
 * @tokens: those that are valid now; all but the first may be NULL
 * @scopes: the names of the repositories, or "*" alone for all of them; NULL after the last
 * @read_only: pushes are refused
 *
 * The caller owns the strings. They do not change during a verdict.
 */
struct verdict_policy {
    const char *tokens[TOKEN_COUNT_MAX];
    char *const *scopes;
    bool read_only;
};

/**
 * struct verdict - whether a request may go on, and what the checks found
 * @status: 0 if it may go on, otherwise the status of the refusal
 * @code: the reason of the refusal, for programs; otherwise REASON_NONE
 * @reason: the reason of the refusal, for people: the fault and the remedy
 * @allow: value of the Allow field of a 405
 * @anonymous: refused for sending no credentials at all; git's first request has none when the URL holds a token
 * @route: static; NULL if none was found
 * @repository: within the head's data; data is NULL if none was found
 * @gzip: the request body is compressed
 * @expects_continue: the client waits for 100 before it sends the body
 * @git_protocol: checked value of the Git-Protocol field, within the head's data; data is NULL when absent
 */
struct verdict {
    int status;
    enum reason code;
    const char *reason;
    const char *allow;
    bool anonymous;
    const struct route *route;
    struct span repository;
    bool gzip;
    bool expects_continue;
    struct span git_protocol;
};

/** verdict_reach() - run the checks of git-gate(1) in their order; the first that fails decides */
void verdict_reach(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head);
