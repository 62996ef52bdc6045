/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "access/verdict.h"
#include "backend/environ.h"
#include "base/log.h"
#include "confine/confine.h"
#include "serve/listener.h"

/**
 * struct server_settings - all that a server is told, checked before it is handed over
 * @listener, @policy, @environ: for the rooms of these names; environ.search_path, .exec_path, .is_confined and
 *                               .max_request_bytes are the server's own to fill in
 * @max_connections, @max_backends: counts, at least 1
 * @max_push_bytes: of a push's body; 0 for no bound
 * @max_negotiation_bytes: of a fetch's body, after gunzip
 * @header_timeout_s and the others: seconds, at least 1
 * @request_timeout_s: seconds, 0 for no bound
 * @drain_timeout_s: seconds, 0 to end running requests at once
 * @confine: whether the serving thread and its children are confined
 * @allow_paths: what they may read besides, NULL behind the last
 * @alternates: where object stores may lie that the repository borrows from: struct repository_policy
 * @advertisement_cache: responses that would be the same may come from memory
 * @die_with_parent: stop when @parent ends, the process that started this one, as it was when this one began;
 *     0 is one in another PID namespace, which no server can watch
 * @log_fd, @log_level, @log_format: for the log; -1 for none
 */
struct server_settings {
    struct listener_settings listener;
    struct verdict_policy policy;
    struct environ_settings environ;
    uint64_t max_connections;
    uint64_t max_backends;
    uint64_t max_push_bytes;
    uint64_t max_negotiation_bytes;
    uint64_t queue_timeout_s;
    uint64_t header_timeout_s;
    uint64_t idle_timeout_s;
    uint64_t stall_timeout_s;
    uint64_t backend_timeout_s;
    uint64_t request_timeout_s;
    uint64_t drain_timeout_s;
    enum confine_mode confine;
    char *const *allow_paths;
    char *const *alternates;
    bool advertisement_cache;
    bool die_with_parent;
    pid_t parent;
    int log_fd;
    enum log_level log_level;
    enum log_format log_format;
};

/** settings_max_body_bytes() - the bound on the body of a push or of a fetch; 0 for none */
static inline uint64_t settings_max_body_bytes(const struct server_settings *settings, bool pushes) {
    return pushes ? settings->max_push_bytes : settings->max_negotiation_bytes;
}

/** settings_too_large() - what to tell whoever exceeds it */
static inline const char *settings_too_large(bool pushes) {
    return pushes ? "the push is larger than --max-push-bytes allows; push less at a time, or raise it"
                  : "the request is larger than --max-negotiation-bytes allows; fetch less at a time, or raise it";
}
