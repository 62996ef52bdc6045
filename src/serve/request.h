/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/route.h"
#include "access/verdict.h"
#include "base/log.h"

struct head;

enum {
    REQUEST_TARGET_SHOWN_BYTES = 256, /* of a target that leads nowhere, in the log */
};

/**
 * struct request - what is remembered of a request while it is served, and then logged
 * @id: counts the server's requests from 1
 * @begin_us: monotonic, when its first byte came
 * @method: static
 * @target: the beginning of the request target, raw; @target_size bytes
 * @route: static, NULL when there is none
 * @repository, @git_protocol: copies with terminator, empty when there is none
 * @status: of the response or reply, 0 when there was none
 * @reason: static, why it was refused or failed; NULL when it was served
 * @is_anonymous: refused because it came without credentials
 * @is_kept: the response came from memory
 * @is_abandoned: the client did not wait for the end
 * @bytes_in: of the request's head and, without framing, of its body
 * @bytes_out: of the response, its head included
 */
struct request {
    uint64_t id;
    uint64_t begin_us;
    const char *method;
    char target[REQUEST_TARGET_SHOWN_BYTES];
    size_t target_size;
    const struct route *route;
    char repository[ROUTE_REPOSITORY_MAX_BYTES + 1];
    char git_protocol[VERDICT_GIT_PROTOCOL_MAX_BYTES + 1];
    int status;
    const char *reason;
    bool is_anonymous;
    bool is_kept;
    bool is_abandoned;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/** request_remember() - copy from @head and @verdict what is needed when their bytes are gone */
void request_remember(struct request *request, const struct head *head, const struct verdict *verdict);

/**
 * request_log() - write the one record that each request gets
 *
 * Served or abandoned: info. Refused or failed: warning, but for the request without credentials that each git client
 * begins with, which is debug.
 */
void request_log(const struct request *request, struct log *log, const char *client, uint64_t now_us);
