/* SPDX-License-Identifier: Apache-2.0 */

/* Keeps the facts of a request, and logs them in one record. It must not read or log the Authorization field. */

#include "serve/request_log.h"

#include <string.h>

#include "http/head.h"

/* Copies with a terminator. Text that does not fit is cut; such a value is invalid. */
static void copy(char *text, size_t size, struct span bytes) {
    size_t n = bytes.size < size ? bytes.size : size - 1;

    if (n > 0) {
        memcpy(text, bytes.data, n);
    }
    text[n] = '\0';
}

void request_log_remember(struct request *request, const struct head *head, const struct verdict *verdict) {
    struct span target = head->target;

    request->method = head->method_name;
    request->target_size = target.size < sizeof(request->target) ? target.size : sizeof(request->target);
    if (request->target_size > 0) {
        memcpy(request->target, target.data, request->target_size);
    }
    request->route = verdict->route;
    copy(request->repository, sizeof(request->repository), verdict->repository);
    copy(request->git_protocol, sizeof(request->git_protocol), verdict->git_protocol);
    request->is_anonymous = verdict->anonymous;
}

static enum log_level level_of(const struct request *request) {
    if (request->reason && !request->is_abandoned) {
        return request->is_anonymous ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING;
    }
    return LOG_LEVEL_INFO;
}

static struct log_field optional_string(const char *name, const char *string) {
    return string && *string ? log_string(name, string) : (struct log_field){0};
}

void request_log_write(const struct request *request, struct log *log, const char *client, uint64_t now_us) {
    const struct route *route = request->route;
    struct log_field target = {0};

    if (!log_wants(log, level_of(request))) {
        return;
    }
    if (!route && request->target_size > 0) {
        target = log_span("target", ((struct span){request->target, request->target_size}));
    }
    log_record(log, level_of(request), "request",
               LOG_FIELDS(log_number("id", request->id), log_string("client", client),
                          optional_string("method", request->method), target,
                          optional_string("route", route ? route->name : NULL),
                          optional_string("repository", request->repository),
                          optional_string("service", route ? route->service : NULL),
                          request->status ? log_number("status", request->status) : (struct log_field){0},
                          optional_string("cached", request->is_kept ? "yes" : NULL),
                          log_number("bytes_in", request->bytes_in), log_number("bytes_out", request->bytes_out),
                          log_number("duration_ms", (now_us - request->begin_us) / 1000),
                          optional_string("reason", request->reason)));
}
