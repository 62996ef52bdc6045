/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Confines a thread, and every process that it starts, to what they need. The stages run in a fixed order. Privileges
 * go first, because the kernel accepts a filter only from a thread that can gain none. Files follow. The filter of
 * system calls comes last, so that it refuses no call of the other stages. A stage is missing when the kernel lacks it,
 * or when something around the gate, such as a container, forbids it. A missing stage must be reported, with the
 * reason.
 */

#include "confine/confine.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "base/fd.h"
#include "confine/limits.h"
#include "confine/seccomp.h"

/* The system's programs and libraries. Paths that this system lacks are skipped. */
static const char *const program_paths[] = {
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
};

/* Single files that libc and git read: libraries, users, the time zone, random bytes, the number of processors. */
static const char *const file_paths[] = {
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
    "/etc/localtime",   "/dev/urandom",       "/dev/random", "/dev/zero",  "/sys/devices/system/cpu/online",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const stage_names[] = {
    [CONFINE_PRIVILEGES] = "the loss of privileges",
    [CONFINE_LANDLOCK] = "Landlock",
    [CONFINE_SECCOMP] = "seccomp",
};
static_assert(COUNT(stage_names) == CONFINE_STAGE_COUNT, "a name for each stage");

const char *confine_stage_name(enum confine_stage stage) {
    return stage_names[stage];
}

/*
 * The function of a stage returns 0, a negative errno when the stage is missing, or GATE_E_* when the settings or the
 * gate itself are wrong. With GATE_E_* it fills the error.
 */

static int allow_path(const struct landlock *landlock, const char *path, enum landlock_access access,
                      struct gate_error *error) {
    int r = path ? landlock_allow(landlock, path, access) : 0;

    if (r == LANDLOCK_E_KERNEL) {
        return -errno;
    }
    return r ? gate_error_set(
                   error, GATE_E_USAGE, "'%s' cannot be opened to allow it under --confine: %s%s", path, strerror(-r),
                   r == -EACCES ? "; run git-gate as the owner of the repository, or with --confine=off" : "")
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

/* Skips paths that are missing on this system, or that the gate cannot open. */
static int allow_system(const struct landlock *landlock, const char *const paths[], size_t n_paths,
                        enum landlock_access access) {
    int r = 0;

    for (size_t i = 0; i < n_paths && r != LANDLOCK_E_KERNEL; i++) {
        r = landlock_allow(landlock, paths[i], access);
    }
    return r == LANDLOCK_E_KERNEL ? -errno : 0;
}

static int allow_stores(const struct landlock *landlock, const struct confine_settings *settings) {
    for (size_t i = 0; i < settings->n_stores; i++) {
        if (landlock_allow_fd(landlock, settings->stores[i], LANDLOCK_READ) != 0) {
            return -errno;
        }
    }
    return 0;
}

/* Allows what the gate and its children need. */
static int allow_shared(const struct landlock *landlock, const struct confine_settings *settings,
                        struct gate_error *error) {
    int r = allow_system(landlock, program_paths, COUNT(program_paths), LANDLOCK_RUN);

    r = r ? r : allow_system(landlock, file_paths, COUNT(file_paths), LANDLOCK_READ);
    r = r ? r : allow_path(landlock, "/dev/null", LANDLOCK_CHANGE, error);
    r = r ? r : allow_paths(landlock, settings->served, settings->read_only ? LANDLOCK_READ : LANDLOCK_CHANGE, error);
    r = r ? r : allow_path(landlock, settings->exec_path, LANDLOCK_RUN, error);
    r = r ? r : allow_path(landlock, settings->git_folder, LANDLOCK_RUN, error);
    r = r ? r : allow_path(landlock, settings->home, LANDLOCK_READ, error);
    r = r ? r : allow_path(landlock, settings->hooks_path, LANDLOCK_RUN, error);
    r = r ? r : allow_path(landlock, settings->rule_hooks, LANDLOCK_RUN, error);
    r = r ? r : allow_path(landlock, settings->rule_program, LANDLOCK_RUN, error);
    r = r ? r : allow_stores(landlock, settings);
    r = r ? r : allow_paths(landlock, settings->allow_paths, LANDLOCK_RUN, error);
    return r ? r : allow_paths(landlock, settings->writable_paths, LANDLOCK_CHANGE, error);
}

/* Allows what the gate alone needs: to remove its socket, and to read the files of its token and rules again. */
static int allow_gate(const struct landlock *landlock, const struct confine_settings *settings,
                      struct gate_error *error) {
    int r = allow_path(landlock, settings->socket_folder, LANDLOCK_REMOVE, error);

    for (char *const *folder = settings->reread_folders; folder && *folder && !r; folder++) {
        r = allow_system(landlock, (const char *const[]){*folder}, 1, LANDLOCK_READ);
    }
    return r;
}

static bool rereads(const struct confine_settings *settings) {
    return settings->reread_folders && settings->reread_folders[0];
}

/*
 * A child is under the gate's ruleset and its own. Its own denies only removing files and, where the gate may read more
 * than the child, reading. So it allows only these rights again.
 */
static int allow_child(const struct landlock *child, const struct confine_settings *settings,
                       struct gate_error *error) {
    int r;

    if (rereads(settings)) {
        return allow_shared(child, settings, error);
    }
    r = settings->read_only ? 0 : allow_paths(child, settings->served, LANDLOCK_CHANGE, error);
    return r ? r : allow_paths(child, settings->writable_paths, LANDLOCK_CHANGE, error);
}

/* Records that @call failed, when the result @r of a step is a negative errno. Return: @r. */
static int named(struct confine *confine, enum confine_stage stage, const char *call, int r) {
    if (r < 0) {
        confine->call[stage] = call;
    }
    return r;
}

static int enter_privileges(struct confine *confine) {
    const char *call = NULL;
    int r = named(confine, CONFINE_PRIVILEGES, "prctl(PR_SET_NO_NEW_PRIVS)", limits_keep_privileges());

    if (!r) {
        r = limits_drop_capabilities(&confine->had_capabilities, &call);
        r = named(confine, CONFINE_PRIVILEGES, call, r);
    }
    return r;
}

static int enter_landlock(struct confine *confine, const struct confine_settings *settings, struct gate_error *error) {
    static const char create[] = "landlock_create_ruleset";
    static const char add[] = "landlock_add_rule";
    const enum confine_stage stage = CONFINE_LANDLOCK;
    _cleanup_(landlock_deinit) struct landlock landlock = LANDLOCK_NONE;
    _cleanup_(landlock_deinit) struct landlock child = LANDLOCK_NONE;
    int abi = landlock_abi();
    int r = named(confine, stage, create, abi < 0 ? abi : landlock_deny_all(&landlock, abi));

    r = r ? r : named(confine, stage, add, allow_shared(&landlock, settings, error));
    r = r ? r : named(confine, stage, add, allow_gate(&landlock, settings, error));
    r = r ? r : named(confine, stage, create, landlock_deny_parents(&child, abi, rereads(settings)));
    r = r ? r : named(confine, stage, add, allow_child(&child, settings, error));
    r = r ? r : named(confine, stage, "landlock_restrict_self", landlock_enforce(&landlock));
    if (!r) {
        confine->landlock_abi = abi;
        confine->child = child;
        child = LANDLOCK_NONE;
    }
    return r;
}

static int enter_seccomp(struct confine *confine, struct gate_error *error) {
    int r = getrandom(&confine->session_key, sizeof(confine->session_key), 0) < 0 ? -errno : 0;

    if (r) {
        return named(confine, CONFINE_SECCOMP, "getrandom", r);
    }
    r = seccomp_enforce(confine->session_key);
    if (r == SECCOMP_E_KERNEL) {
        return named(confine, CONFINE_SECCOMP, "seccomp", -errno);
    }
    return r ? gate_error_set(error, GATE_E_INTERNAL, "the filter of system calls cannot be made: %s", strerror(-r))
             : 0;
}

static int enter(struct confine *confine, enum confine_stage stage, const struct confine_settings *settings,
                 struct gate_error *error) {
    int r = stage == CONFINE_PRIVILEGES ? enter_privileges(confine)
            : stage == CONFINE_LANDLOCK ? enter_landlock(confine, settings, error)
                                        : enter_seccomp(confine, error);

    if (r >= 0) {
        return r;
    }
    confine->missing[stage] = r;
    return settings->mode == CONFINE_REQUIRE
               ? gate_error_set(error, GATE_E_START,
                                "--confine=require, but %s is not available here: %s: %s; the kernel lacks it, or a "
                                "container around git-gate forbids it; --confine=auto does without it",
                                stage_names[stage], confine->call[stage], strerror(-r))
               : 0;
}

int confine_thread(struct confine *confine, const struct confine_settings *settings, struct gate_error *error) {
    int r = 0;

    *confine = CONFINE_NONE;
    if (settings->mode == CONFINE_OFF) {
        return 0;
    }
    for (enum confine_stage stage = 0; stage < CONFINE_STAGE_COUNT && !r; stage++) {
        r = enter(confine, stage, settings, error);
    }
    return r;
}

void confine_deinit(struct confine *confine) {
    landlock_deinit(&confine->child);
}
