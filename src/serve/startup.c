/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks the repositories, git and the settings once, at start. A fault that makes serving impossible is an error; a
 * fault that only some requests will meet is a warning. This file changes nothing outside the gate.
 */

#include "serve/startup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/mirror.h"
#include "backend/process.h"
#include "backend/rules_file.h"
#include "backend/worktrees.h"
#include "serve/gate.h"
#include "serve/left_locks.h"
#include "serve/reach.h"

static int check_repositories(const struct server_settings *settings, struct gate_error *error) {
    char path[PATH_MAX];
    int r = 0;

    if (settings_serve_all(settings)) {
        return 0; /* each request looks up its repository */
    }
    for (char *const *scope = settings->policy.scopes; *scope && !r; scope++) {
        r = settings_path_of(path, settings, *scope)
                ? mirror_check(path, settings->environ.trust_owner, error)
                : gate_error_set(error, GATE_E_USAGE, "the path of --mirror-root and --scope=%s is too long", *scope);
    }
    return r;
}

/*
 * A partial clone is served only if git's version never fetches the missing objects. To start git for its version takes
 * time, so this happens only for the first partial clone; gate->policy keeps the result.
 */
static int examine_repository(struct gate *gate, const char *name, struct gate_served *served,
                              struct gate_error *error) {
    struct hostile_repository_policy lenient = gate->policy;
    struct hostile_repository_finding finding;
    char path[PATH_MAX];
    int r;

    (void)settings_path_of(path, gate->settings, name); /* check_repositories() saw that it fits */
    lenient.is_local = true;
    r = hostile_repository_examine(&finding, &lenient, path, NULL);
    served->is_partial = finding.is_partial;
    if (r == 0 && finding.is_partial) {
        r = gate->policy.is_local ? 0 : git_ask_version(&gate->git, error);
        if (r) {
            return r;
        }
        gate->policy.is_local = gate->git.stays_local;
        r = hostile_repository_examine(&finding, &gate->policy, path, NULL);
    }
    return r == 0  ? 0
           : r > 0 ? gate_error_set(error, GATE_E_USAGE, "'%s' is not served: %s", path, finding.reason)
                   : gate_error_set(error, GATE_E_INTERNAL, "cannot look at '%s': %s", path, strerror(-r));
}

static int check_rule_hooks(const struct gate *gate, struct gate_error *error) {
    const char *paths[] = {gate->rule_hooks.folder, gate->rule_hooks.program};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (reach_allows_writing(gate->settings, paths[i])) {
            return gate_error_set(error, GATE_E_USAGE,
                                  "'%s', which %s needs, lies inside an --allow-path that ends in :rw, where git "
                                  "could change it; allow less",
                                  paths[i], gate->settings->rules_file ? "--rules" : "--keep-old");
        }
    }
    return 0;
}

/* The rules are read even with --read-only, which does not use them, because a fault in them is a usage error. */
static int find_rules(struct gate *gate, struct gate_error *error) {
    const struct server_settings *settings = gate->settings;
    int r;

    if (!settings->rules_file && (!settings->environ.keep_old || settings->policy.read_only)) {
        return 0;
    }
    r = rule_hooks_find(&gate->rule_hooks, settings->rules_file ? "--rules" : "--keep-old", error);
    r = r ? r : check_rule_hooks(gate, error);
    return r || !settings->rules_file ? r : startup_read_rules(gate, error);
}

int startup_read_rules(struct gate *gate, struct gate_error *error) {
    const struct process_limits limits = {
        .is_private = gate->settings->confine != CONFINE_OFF,
        .landlock = gate->confine.child.fd,
        .session_key = gate->confine.session_key,
    };
    char *rules = NULL;
    int r = rules_file_read(&rules, gate->settings->rules_file, gate->git.exec_path, &limits, error);

    if (!r) {
        free(gate->rules); /* running pushes have a copy in their environment */
        gate->rules = rules;
        gate->environ.rules = rules;
    }
    return r;
}

static int examine_repositories(struct gate *gate, struct gate_error *error) {
    const struct server_settings *settings = gate->settings;
    int r = 0;

    gate->policy = (struct hostile_repository_policy){.git_config = settings->environ.git_config,
                                                      .alternates = settings->alternates,
                                                      .allow_paths = settings->allow_paths,
                                                      .is_ruled = settings->rules_file != NULL,
                                                      .follows_links = settings->confine == CONFINE_OFF};
    if (settings_serve_all(settings)) {
        r = git_ask_version(&gate->git, error);
        gate->policy.is_local = gate->git.stays_local;
        return r;
    }
    for (size_t i = 0; settings->policy.scopes[i] && !r; i++) {
        r = examine_repository(gate, settings->policy.scopes[i], &gate->served[i], error);
    }
    return r;
}

static void warn_of_socket(struct gate *gate) {
    const struct socket_access *access = &gate->settings->listener.access;
    char folder[LISTENER_PATH_MAX + 1];
    unsigned mode = 0;
    char octal[8];

    if (!gate->listener.path[0]) {
        return;
    }
    if (gate->listener.lock_was_taken) {
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "a program holds a lock on the folder of the socket, so the gate started without it; "
                   "'fuser -v FOLDER' may name that program",
                   LOG_FIELDS(log_string("socket", gate->listener.path)));
    }
    if (socket_file_is_exposed(gate->listener.path, &mode)) {
        socket_file_folder(folder, gate->listener.path);
        (void)snprintf(octal, sizeof(octal), "%04o", mode);
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "every user may replace the socket, and so receive the tokens of its clients; chmod +t its folder",
                   LOG_FIELDS(log_string("folder", folder), log_string("mode", octal)));
    }
    if (access->group && !(access->mode & S_IWGRP)) {
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "the group of the socket may not connect to it; --socket-mode=0660 allows it",
                   LOG_FIELDS(log_string("socket_group", access->group)));
    }
}

static void warn_of_settings(struct gate *gate) {
    const char *hooks = gate->settings->environ.hooks_path;
    const char *ignored = hooks ? hooks_find_ignored(hooks) : NULL;

    if (ignored) {
        log_record(&gate->log, LOG_LEVEL_WARNING, "git skips a hook that is not executable; chmod +x it",
                   LOG_FIELDS(log_string("hooks_path", hooks), log_string("hook", ignored)));
    }
}

static void warn_of_repository(struct gate *gate, const char *name, const struct gate_served *served) {
    const struct server_settings *settings = gate->settings;
    char path[PATH_MAX];

    if (served->is_partial) {
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "the repository is a partial clone, so a fetch of objects that are not in it fails; make it whole "
                   "with 'git fetch --refetch --no-filter', or serve another clone",
                   LOG_FIELDS(log_string("repository", name)));
    }
    if (!settings->policy.read_only &&
        snprintf(path, sizeof(path), "%s/%s.git/objects", settings->environ.mirror_root, name) < (int)sizeof(path) &&
        access(path, W_OK) != 0) {
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "the repository is not writable, so pushes will fail; run git-gate as its owner, or use --read-only",
                   LOG_FIELDS(log_string("objects", path), log_string("error", strerror(errno))));
    }
}

struct worktree_warning {
    struct gate *gate;
    const char *repository;
};

static void warn_of_worktree(void *userdata, const char *name, const char *path) {
    const struct worktree_warning *warning = userdata;

    log_record(&warning->gate->log, LOG_LEVEL_WARNING,
               "a work tree of the repository lies outside of it, where confinement keeps git and hooks from writing; "
               "allow it with --allow-path=PATH:rw, or remove it with 'git worktree remove'",
               LOG_FIELDS(log_string("repository", warning->repository), log_string("worktree", name),
                          log_string("path", path)));
}

static void find_writable(char *writable[SETTINGS_ALLOW_PATHS_MAX + 1], const struct server_settings *settings) {
    size_t n = 0;

    for (size_t i = 0; settings->allow_paths[i]; i++) {
        if (settings->may_write[i]) {
            writable[n++] = settings->allow_paths[i];
        }
    }
    writable[n] = NULL;
}

/* With --read-only nothing is warned of, because a fetch needs no work tree. */
static void warn_of_worktrees(struct gate *gate, const char *name) {
    char *writable[SETTINGS_ALLOW_PATHS_MAX + 1];
    const struct server_settings *settings = gate->settings;
    struct worktree_warning warning = {.gate = gate, .repository = name};
    char path[PATH_MAX];
    size_t n_found;

    if (settings->policy.read_only || gate->confine.landlock_abi == 0 || !settings_path_of(path, settings, name)) {
        return;
    }
    find_writable(writable, settings);
    n_found = worktrees_find_away(path, writable, warn_of_worktree, &warning);
    if (n_found > WORKTREES_SHOWN_MAX) {
        log_record(&gate->log, LOG_LEVEL_WARNING, "there are more such work trees",
                   LOG_FIELDS(log_string("repository", name), log_number("worktrees", n_found)));
    }
}

int startup_examine(struct gate *gate, struct gate_error *error) {
    const bool is_cgi = gate->settings->environ.backend == ENVIRON_HTTP_BACKEND;
    int r = check_repositories(gate->settings, error);

    r = r ? r : git_find(&gate->git, is_cgi ? "git-http-backend" : "git", error);
    r = r ? r : examine_repositories(gate, error);
    return r ? r : find_rules(gate, error);
}

void startup_warn(struct gate *gate) {
    char *const *scopes = gate->settings->policy.scopes;

    warn_of_settings(gate);
    warn_of_socket(gate);
    for (size_t i = 0; !settings_serve_all(gate->settings) && scopes[i]; i++) {
        warn_of_repository(gate, scopes[i], &gate->served[i]);
        warn_of_worktrees(gate, scopes[i]);
    }
    left_locks_warn(gate);
}
