/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "access/verdict.h"
#include "backend/environ.h"
#include "base/log.h"
#include "confine/confine.h"
#include "serve/listener.h"

/* The type of an option's field, by its kind. A choice is the index of its word, in the order of an enum. */
#define SETTINGS_TEXT const char *
#define SETTINGS_LIST char **
#define SETTINGS_FLAG bool
#define SETTINGS_SWITCH bool
#define SETTINGS_NUMBER uint64_t
#define SETTINGS_BYTES uint64_t
#define SETTINGS_CHOICE unsigned
#define SETTINGS_MODE unsigned
#define SETTINGS_FD int

enum {
    SETTINGS_SCOPES_MAX = 64,      /* repositories of --scope */
    SETTINGS_ALLOW_PATHS_MAX = 64, /* paths of --allow-path */
};

/**
 * struct server_settings - the value of every option, checked; a server does not change it
 * @listener, @policy, @environ: the options that the rooms of these names declare. The server fills in
 *                               environ.search_path, .exec_path, .is_confined and .max_request_bytes in its own copy.
 * @may_write: whether each path in allow_paths was given with ":rw"; allow_paths has the paths without ":rw"
 * @parent: for die_with_parent, the parent's process number when this process began; 0 for a parent in another PID
 *          namespace, which no server can watch
 * @altered_signals: as in struct process_limits; NULL in a library, because its host may handle any signal
 *
 * Each other field has a row in option_table.h, which gives its meaning and the bounds of numbers. Without the option,
 * a text is NULL and a descriptor is -1. A list is never NULL, and has NULL behind its last value.
 */
struct server_settings {
    struct listener_settings listener;
    struct verdict_policy policy;
    struct environ_settings environ;
    bool may_write[SETTINGS_ALLOW_PATHS_MAX];
    pid_t parent;
    const sigset_t *altered_signals;
#define PART(...)
#define OPTION(kind, field, ...) SETTINGS_##kind field;
#include "serve/option_table.h"
#undef OPTION
#undef PART
};

/** settings_serve_all() - whether all repositories below the mirror root are served: --scope=* */
static inline bool settings_serve_all(const struct server_settings *settings) {
    return strcmp(settings->policy.scopes[0], "*") == 0;
}

/** settings_path_of() - write the path of a repository, by its name without .git. Return: whether it fits. */
static inline bool settings_path_of(char path[PATH_MAX], const struct server_settings *settings, const char *name) {
    int size = snprintf(path, PATH_MAX, "%s/%s.git", settings->environ.mirror_root, name);

    return size >= 0 && size < PATH_MAX;
}

/** settings_max_body_bytes() - the bound on the body of a push or of a fetch; 0 for none */
static inline uint64_t settings_max_body_bytes(const struct server_settings *settings, bool pushes) {
    return pushes ? settings->max_push_bytes : settings->max_negotiation_bytes;
}

/** settings_too_large() - the sentence for a client that exceeds settings_max_body_bytes() */
static inline const char *settings_too_large(bool pushes) {
    return pushes ? "the push is larger than --max-push-bytes allows; push less at a time, or raise it"
                  : "the request is larger than --max-negotiation-bytes allows; fetch less at a time, or raise it";
}
