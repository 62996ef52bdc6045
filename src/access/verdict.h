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
 * struct verdict_policy - who may reach what; the strings belong to the caller, and do not change during a verdict
 * @tokens: those that are valid now; all but the first may be NULL
 * @scopes: the names of the repositories, or "*" alone for all of them; NULL after the last
 * @read_only: pushes are refused
 */
struct verdict_policy {
    const char *tokens[TOKEN_COUNT_MAX];
    char *const *scopes;
    bool read_only;
};

/**
 * struct verdict - what becomes of a request
 * @status: 0 when it may go on, otherwise what to answer
 * @code: for programs, when it was refused: REASON_NONE otherwise
 * @reason: for people, when it was refused: what is wrong and what to do about it
 * @allow: value of the Allow field of a 405
 * @anonymous: refused because no credentials came at all, which is how git begins when its URL holds a token
 * @route: static; NULL as long as none was found
 * @repository: within the head's data; data is NULL as long as none was found
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
