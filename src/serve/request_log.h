/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/route.h"
#include "access/verdict.h"
#include "base/log.h"

struct head;

enum {
    REQUEST_TARGET_SHOWN_BYTES = 256, /* of a target without a route, in the log */
};

/**
 * struct request - the facts of a request, kept while it is served and then logged
 * @id: counts the gate's requests from 1
 * @begin_us: the monotonic time of its first byte
 * @method: static
 * @target: the beginning of the raw request target; @target_size bytes
 * @route: static, NULL for no route
 * @repository, @git_protocol: copies with a terminator, empty for none
 * @status: the status of the response or reply, 0 for none
 * @reason: static; why the request was refused or failed; NULL when it was served
 * @is_anonymous: refused because it came without credentials
 * @is_kept: the response came from memory
 * @loses_nothing: a push whose beginning shows that no reference loses its tip
 * @is_abandoned: the client did not wait for the end
 * @bytes_in: the size of the head, and of the body without framing
 * @bytes_out: the size of the response with its head
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
    bool loses_nothing;
    bool is_abandoned;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/** request_log_remember() - copy the facts that the record needs from @head and @verdict, before their bytes go */
void request_log_remember(struct request *request, const struct head *head, const struct verdict *verdict);

/**
 * request_log_write() - write the request's one record
 *
 * Its level is info when the request was served or abandoned, and warning when it was refused or failed. A request
 * without credentials is logged as debug, because every git client begins with one.
 */
void request_log_write(const struct request *request, struct log *log, const char *client, uint64_t now_us);
