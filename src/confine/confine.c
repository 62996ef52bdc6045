/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the stages in which a thread gives up what it and its children do not need, and their order: privileges first,
 * without which the kernel takes no filter; then files; the filter of system calls last, as it refuses what the stages
 * before it need. A stage that fails leaves less in force than was asked for, never something that was not.
 */

#include "confine/confine.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/fd.h"
#include "confine/limits.h"
#include "confine/seccomp.h"

/* The system's programs and libraries; what is missing on this system is passed over. */
static const char *const program_paths[] = {
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
};

/* Single files that libc and git read: libraries, users, the time zone, random bytes, the number of processors. */
static const char *const file_paths[] = {
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
    "/etc/localtime",   "/dev/urandom",       "/dev/random", "/dev/zero",  "/sys/devices/system/cpu/online",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int allow_system(const struct landlock *landlock) {
    int r = 0;

    for (size_t i = 0; i < COUNT(program_paths) && (!r || r == -ENOENT); i++) {
        r = landlock_allow(landlock, program_paths[i], LANDLOCK_RUN);
    }
    for (size_t i = 0; i < COUNT(file_paths) && (!r || r == -ENOENT); i++) {
        r = landlock_allow(landlock, file_paths[i], LANDLOCK_READ);
    }
    r = r == -ENOENT ? 0 : r;
    return r ? r : landlock_allow(landlock, "/dev/null", LANDLOCK_CHANGE);
}

static int allow_path(const struct landlock *landlock, const char *path, enum landlock_access access,
                      struct gate_error *error) {
    int r = path ? landlock_allow(landlock, path, access) : 0;

    return r ? gate_error_set(error, GATE_E_USAGE, "'%s' cannot be opened to allow it under --confine: %s", path,
                              strerror(-r))
             : 0;
}

static int allow_paths(const struct landlock *landlock, char *const *paths, enum landlock_access access,
                       struct gate_error *error) {
    int r = 0;

    for (; paths && *paths && !r; paths++) {
        r = allow_path(landlock, *paths, access, error);
    }
    return r;
}

static int allow_settings(const struct landlock *landlock, const struct confine_settings *settings,
                          struct gate_error *error) {
    int r = allow_paths(landlock, settings->served, settings->read_only ? LANDLOCK_READ : LANDLOCK_CHANGE, error);

    r = r ? r : allow_path(landlock, settings->exec_path, LANDLOCK_RUN, error);
    r = r ? r : allow_path(landlock, settings->git_folder, LANDLOCK_RUN, error);
    r = r ? r : allow_path(landlock, settings->home, LANDLOCK_READ, error);
    r = r ? r : allow_path(landlock, settings->hooks_path, LANDLOCK_RUN, error);
    r = r ? r : allow_paths(landlock, settings->stores, LANDLOCK_READ, error);
    r = r ? r : allow_paths(landlock, settings->allow_paths, LANDLOCK_RUN, error);
    return r ? r : allow_path(landlock, settings->socket_folder, LANDLOCK_REMOVE, error);
}

static int fail(struct gate_error *error, const char *stage, int r) {
    return gate_error_set(error, GATE_E_INTERNAL, "%s fails: %s; --confine=off goes without it", stage, strerror(-r));
}

/* Removing its socket is the gate's right alone, and so is telling its children to end. */
static int make_child_ruleset(struct landlock *child, int abi, const struct confine_settings *settings,
                              struct gate_error *error) {
    int r = landlock_deny_parents(child, abi);

    if (r) {
        return fail(error, "Landlock for git", r);
    }
    return settings->read_only ? 0 : allow_paths(child, settings->served, LANDLOCK_CHANGE, error);
}

static int enter_landlock(struct confine *confine, const struct confine_settings *settings, struct gate_error *error) {
    _cleanup_(landlock_deinit) struct landlock landlock = LANDLOCK_NONE;
    int abi = landlock_abi();
    int r;

    if (abi == 0) {
        return 0;
    }
    r = landlock_deny_all(&landlock, abi);
    r = r ? r : allow_system(&landlock);
    if (r) {
        return fail(error, "Landlock", r);
    }
    r = allow_settings(&landlock, settings, error);
    r = r ? r : make_child_ruleset(&confine->child, abi, settings, error);
    if (r) {
        return r;
    }
    r = landlock_enforce(&landlock);
    if (r) {
        return fail(error, "Landlock", r);
    }
    confine->landlock_abi = abi;
    return 0;
}

static int enter_seccomp(struct confine *confine, struct gate_error *error) {
    int r = seccomp_enforce();

    confine->has_seccomp = r == 0;
    /* Whoever confines the gate itself, as a container does, may refuse it with any word. */
    return r == -ENOMEM ? fail(error, "the filter of system calls", r) : 0;
}

static int check_required(const struct confine *confine, struct gate_error *error) {
    if (confine->landlock_abi == 0) {
        return gate_error_set(error, GATE_E_START,
                              "--confine=require, but this kernel has no Landlock, or one before Linux 5.19; "
                              "see /sys/kernel/security/lsm, or go without by --confine=auto");
    }
    if (!confine->has_seccomp) {
        return gate_error_set(
            error, GATE_E_START,
            "--confine=require, but this kernel has no filter of system calls (CONFIG_SECCOMP_FILTER); "
            "go without by --confine=auto");
    }
    return 0;
}

int confine_thread(struct confine *confine, const struct confine_settings *settings, struct gate_error *error) {
    int r;

    *confine = CONFINE_NONE;
    if (settings->mode == CONFINE_OFF) {
        return 0;
    }
    r = limits_keep_privileges();
    r = r ? r : limits_drop_capabilities(&confine->had_capabilities);
    if (r) {
        return fail(error, "giving up privileges", r);
    }
    r = enter_landlock(confine, settings, error);
    r = r ? r : enter_seccomp(confine, error);
    return r || settings->mode != CONFINE_REQUIRE ? r : check_required(confine, error);
}

void confine_deinit(struct confine *confine) {
    landlock_deinit(&confine->child);
}
