/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "confine/landlock.h"

/** enum confine_mode - what becomes of a stage that this system does not offer */
enum confine_mode {
    CONFINE_AUTO,    /* it is left out, and named */
    CONFINE_REQUIRE, /* it is an error */
    CONFINE_OFF,     /* nothing is confined */
    CONFINE_MODE_COUNT,
};

/**
 * struct confine_settings - what may still be reached; whatever is not named here, or is the system's own, cannot be
 * @served: the repository, or the folder of several and what its links lead to: read, and written unless @read_only;
 *          NULL behind the last
 * @stores, @n_stores: object stores elsewhere that it borrows from, read; open, if only by O_PATH
 * @exec_path, @git_folder: git's programs, and where links among them lead to
 * @home: git's, read; NULL for none
 * @hooks_path: read and executed; NULL for none
 * @allow_paths: further ones, read and executed; NULL behind the last
 * @socket_folder: of a Unix socket that the calling thread will remove; NULL for none
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
    char *const *allow_paths;
    const char *socket_folder;
};

/** enum confine_stage - in their order; what each gives up is told in its own file */
enum confine_stage {
    CONFINE_PRIVILEGES,
    CONFINE_LANDLOCK,
    CONFINE_SECCOMP,
    CONFINE_STAGE_COUNT,
};

/**
 * struct confine - what is in force
 * @missing: for each stage, 0 when it is in force, otherwise a negative errno that says why not
 * @call: for each stage that is missing, the system call that failed, static
 * @landlock_abi: 0 for none
 * @had_capabilities: whether there were any to drop
 * @child: a further Landlock ruleset, under which each child is to be put before it executes anything; fd is -1 for none
 * @session_key: of seccomp_enforce()
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

/** confine_stage_name() - as people call it */
const char *confine_stage_name(enum confine_stage stage);

/**
 * confine_thread() - confine the calling thread and all that it will start, for good
 * @confine: filled; what is in force also when this fails
 * @error: filled on failure
 *
 * Other threads stay as they are. To be called when everything is open that is needed and cannot be opened any more. A
 * thread for which it fails stays confined as far as it went: it should end.
 *
 * Return: 0; GATE_E_USAGE when a path that was set cannot be opened; GATE_E_START when a stage is missing that is
 * required; GATE_E_INTERNAL.
 */
int confine_thread(struct confine *confine, const struct confine_settings *settings, struct gate_error *error);

/** confine_deinit() - close what children are put under; what is in force stays so */
void confine_deinit(struct confine *confine);
