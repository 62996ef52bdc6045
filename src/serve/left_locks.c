/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Logs at start which lock files make pushes fail. A git leaves them behind when it has no time to remove them, because
 * the machine goes down or a container ends. This file must not remove them: another git may still hold one.
 */

#include "serve/left_locks.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "access/route.h"
#include "backend/locks.h"
#include "serve/gate.h"

static void find_in_all(struct locks *locks, const char *root, time_t before) {
    DIR *folder = opendir(root);
    char path[PATH_MAX];

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !locks->is_cut; entry = readdir(folder)) {
        if (route_folder_is_repository(span_of(entry->d_name)) &&
            snprintf(path, sizeof(path), "%s/%s", root, entry->d_name) < (int)sizeof(path)) {
            locks_find(locks, path, before);
        }
    }
    if (folder) {
        (void)closedir(folder);
    }
}

static void find(struct locks *locks, const struct server_settings *settings, time_t before) {
    char path[PATH_MAX];

    if (settings_serve_all(settings)) {
        find_in_all(locks, settings->environ.mirror_root, before);
        return;
    }
    for (char *const *scope = settings->policy.scopes; *scope && !locks->is_cut; scope++) {
        if (settings_path_of(path, settings, *scope)) {
            locks_find(locks, path, before);
        }
    }
}

void left_locks_warn(struct gate *gate) {
    struct locks locks = {0};
    char command[LOG_VALUE_MAX + 1];

    if (gate->settings->policy.read_only) {
        return;
    }
    find(&locks, gate->settings, time(NULL));
    for (size_t i = 0; i < locks.n_paths; i++) {
        bool fits = locks_command(command, sizeof(command), locks.paths[i]);

        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "a lock file that is older than this start makes pushes fail; remove it if no git is at work there",
                   LOG_FIELDS(log_string("lock", locks.paths[i]),
                              fits ? log_string("command", command) : (struct log_field){0}));
    }
    if (locks.n_found > locks.n_paths) {
        log_record(&gate->log, LOG_LEVEL_WARNING, "there are more such lock files",
                   LOG_FIELDS(log_number("locks", locks.n_found)));
    }
    if (locks.is_cut) {
        log_message(&gate->log, LOG_LEVEL_NOTICE,
                    "the repositories are too large to look for all lock files; a push that meets one says so");
    }
    locks_deinit(&locks);
}
