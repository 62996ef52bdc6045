/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "confine/landlock.h"

/** enum confine_mode - what happens to a stage that this system does not offer */
enum confine_mode {
    CONFINE_AUTO,    /* the stage is left out and reported */
    CONFINE_REQUIRE, /* a missing stage is an error */
    CONFINE_OFF,     /* nothing is confined */
    CONFINE_MODE_COUNT,
};

/**
 * struct confine_settings - the paths that stay reachable, besides the system's own programs and libraries
 * @served: the repository, or the folder of several and the targets of its links; read, and written unless @read_only;
 *          NULL after the last
 * @stores, @n_stores: object stores elsewhere that the repository borrows from, read; open descriptors, O_PATH suffices
 * @exec_path, @git_folder: git's programs, and the folder that links among them lead to
 * @home: git's home folder, read; NULL for none
 * @hooks_path: read and executed; NULL for none
 * @rule_hooks, @rule_program: a folder of hooks and a program, read and executed; NULL for none
 * @allow_paths: more paths, read and executed; NULL after the last
 * @writable_paths: more paths, read and written; NULL after the last
 * @socket_folder: the folder of a Unix socket that the calling thread will remove; NULL for none
 * @reread_folders: folders of files that the calling thread will read again, but no child; skipped if they cannot be
 *                  opened; NULL after the last
 */
struct confine_settings {
    enum confine_mode mode;
    char *const *served;
    bool read_only;
    const int *stores;
    size_t n_stores;
    const char *exec_path;
    const char *git_folder;
    const char *home;
    const char *hooks_path;
    const char *rule_hooks;
    const char *rule_program;
    char *const *allow_paths;
    char *const *writable_paths;
    const char *socket_folder;
    char *const *reread_folders;
};

/** enum confine_stage - the stages in their order; the file of each stage says what it gives up */
enum confine_stage {
    CONFINE_PRIVILEGES,
    CONFINE_LANDLOCK,
    CONFINE_SECCOMP,
    CONFINE_STAGE_COUNT,
};

/**
 * struct confine - the confinement that is in force
 * @missing: for each stage, 0 when it is in force, otherwise the negative errno that says why it is not
 * @call: for each missing stage, the system call that failed; static
 * @landlock_abi: 0 for none
 * @had_capabilities: whether there were capabilities to drop
 * @child: a second Landlock ruleset, which each child must enter before it executes anything; fd is -1 for none
 * @session_key: the key that seccomp_enforce() got; setsid(2) needs it from now on
 */
struct confine {
    int missing[CONFINE_STAGE_COUNT];
    const char *call[CONFINE_STAGE_COUNT];
    int landlock_abi;
    bool had_capabilities;
    struct landlock child;
    unsigned long session_key;
};

#define CONFINE_NONE ((struct confine){.child = LANDLOCK_NONE})

/** confine_stage_name() - the stage's name for people */
const char *confine_stage_name(enum confine_stage stage);

/**
 * confine_thread() - confine the calling thread, and every process that it will start, for good
 * @confine: filled; says what is in force even when the call fails
 * @error: filled on failure
 *
 * Other threads are not confined. Call this after everything is open that cannot be opened later. After a failure the
 * stages so far stay in force, so the thread should end.
 *
 * Return: 0; GATE_E_USAGE when a path from the settings cannot be opened; GATE_E_START when a required stage is
 * missing; GATE_E_INTERNAL.
 */
int confine_thread(struct confine *confine, const struct confine_settings *settings, struct gate_error *error);

/** confine_deinit() - close the ruleset for children; the confinement stays in force */
void confine_deinit(struct confine *confine);
