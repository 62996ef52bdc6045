/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Confines a gate once it has started, and logs which confinement is in force. With --confine=require a missing stage
 * is an error, with --confine=auto a warning. This file does not choose the paths that stay open: reach.c does.
 */

#include "serve/confinement.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/hooks.h"
#include "base/fd.h"
#include "serve/gate.h"
#include "serve/reach.h"

static const char *name_label(const struct gate *gate) {
    switch (gate->listener.label) {
    case SELINUX_LABEL_OFF:
        return "off";
    case SELINUX_LABEL_SET:
        return gate->settings->listener.selinux_type;
    case SELINUX_LABEL_UNKNOWN:
    case SELINUX_LABEL_REFUSED:
    case SELINUX_LABEL_UNBUILT:
        break;
    }
    return "failed";
}

static int check_label(struct gate *gate, struct gate_error *error) {
    const char *failure = selinux_failure(gate->listener.label);
    const char *type = gate->settings->listener.selinux_type;
    char domain[SELINUX_DOMAIN_MAX];

    if (!failure) {
        return 0;
    }
    selinux_domain(domain);
    if (gate->settings->confine == CONFINE_REQUIRE) {
        return gate_error_set(error, GATE_E_START, "--confine=require, but %s (domain %s, type %s)", failure, domain,
                              type);
    }
    log_record(&gate->log, LOG_LEVEL_WARNING, failure,
               LOG_FIELDS(log_string("domain", domain), log_string("type", type)));
    return 0;
}

/*
 * Landlock cannot deny chmod(2), and a file's owner may always call it. So if git's user owns the hooks, hostile code
 * in a push could switch them off. That would affect pushes that are already running, and the next start of the gate.
 * Later pushes of this gate are refused anyway: hooks_find_lost().
 */
static int check_owned_hooks(struct gate *gate, struct gate_error *error) {
    const struct server_settings *settings = gate->settings;
    const char *hooks = settings->policy.read_only ? NULL : settings->environ.hooks_path;
    const char *owned = hooks ? hooks_find_owned(hooks, geteuid()) : NULL;

    if (!owned) {
        return 0;
    }
    if (settings->confine == CONFINE_REQUIRE) {
        return gate_error_set(error, GATE_E_START,
                              "--confine=require, but git's user owns '%s' of --hooks-path=%.200s, and confinement "
                              "cannot keep an owner from switching hooks off by chmod; give them to another user, with "
                              "mode 755, or choose --confine=auto",
                              owned, hooks);
    }
    log_record(&gate->log, LOG_LEVEL_WARNING,
               "git's user owns the hooks, and confinement cannot keep an owner from chmod, so hostile code in a push "
               "can switch them off; give them to another user, with mode 755",
               LOG_FIELDS(log_string("hooks_path", hooks), log_string("hook", owned)));
    return 0;
}

/* Without capabilities, root is an ordinary user, and file modes apply to it. */
static int check_needs(const struct gate *gate, const struct reach *reach, struct gate_error *error) {
    const char *hooks = gate->settings->environ.hooks_path;
    const char *lost = reach_lost(reach);

    if (lost && hooks && strncmp(lost, hooks, strlen(hooks)) == 0) {
        return gate_error_set(
            error, GATE_E_START,
            "only another user may execute '%s' of --hooks-path, because root has no capabilities under "
            "--confine; chmod 755 or chown it",
            lost);
    }
    return lost ? gate_error_set(error, GATE_E_START,
                                 "'%s' is out of reach without capabilities, which --confine drops; "
                                 "run git-gate as its owner, or with --read-only or --confine=off",
                                 lost)
                : 0;
}

/* The consequence of each missing stage. */
static const char *const consequences[CONFINE_STAGE_COUNT] = {
    [CONFINE_PRIVILEGES] = "git and its hooks keep the privileges of git-gate, and can gain others",
    [CONFINE_LANDLOCK] = "git and its hooks can open every file that this user can",
    [CONFINE_SECCOMP] = "git and its hooks can open sockets and look into other processes of this user",
};

static void log_missing_stages(struct gate *gate) {
    const struct confine *confine = &gate->confine;

    for (enum confine_stage stage = 0; stage < CONFINE_STAGE_COUNT; stage++) {
        if (confine->missing[stage] != 0) {
            log_record(&gate->log, LOG_LEVEL_WARNING, consequences[stage],
                       LOG_FIELDS(log_string("missing", confine_stage_name(stage)),
                                  log_string("call", confine->call[stage]),
                                  log_string("error", strerror(-confine->missing[stage]))));
        }
    }
    if (confine->landlock_abi > 0 && confine->landlock_abi < LANDLOCK_ABI_SCOPE) {
        log_record(&gate->log, LOG_LEVEL_NOTICE, "git and its hooks can send signals to other processes of this user",
                   LOG_FIELDS(log_string("missing", "Landlock of Linux 6.12")));
    }
}

static void log_out_of_reach(struct gate *gate, const struct reach *reach) {
    if (reach->alternates.n_skipped > 0) {
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "lines of objects/info/alternates name no object store that can be read",
                   LOG_FIELDS(log_number("lines", reach->alternates.n_skipped)));
    }
    if (reach->n_links_skipped > 0) {
        log_record(&gate->log, LOG_LEVEL_WARNING,
                   "too many repositories below the mirror root are links, so some are out of reach",
                   LOG_FIELDS(log_number("repositories", reach->n_links_skipped)));
    }
}

static const char *name_capabilities(const struct confine *confine) {
    return confine->missing[CONFINE_PRIVILEGES] != 0 ? "kept" : confine->had_capabilities ? "dropped" : "none";
}

static void log_confinement(struct gate *gate, const struct reach *reach) {
    const struct confine *confine = &gate->confine;

    log_record(&gate->log, LOG_LEVEL_INFO, "confined",
               LOG_FIELDS(log_number("landlock_abi", (uint64_t)confine->landlock_abi),
                          log_string("seccomp", confine->missing[CONFINE_SECCOMP] == 0 ? "yes" : "no"),
                          log_string("capabilities", name_capabilities(confine)),
                          log_string("selinux", name_label(gate)),
                          log_number("alternates", reach->alternates.n_paths)));
    log_missing_stages(gate);
    log_out_of_reach(gate, reach);
}

static void record_served(struct gate *gate) {
    const struct server_settings *settings = gate->settings;
    struct stat status;
    char path[PATH_MAX];

    for (size_t i = 0; !settings_serve_all(settings) && settings->policy.scopes[i]; i++) {
        if (settings_path_of(path, settings, settings->policy.scopes[i]) && stat(path, &status) == 0) {
            gate->served[i].device = status.st_dev;
            gate->served[i].inode = status.st_ino;
        }
    }
}

/* Return: the folder that the repository had at start; NULL with --scope=*. */
static const struct gate_served *find_served(const struct gate *gate, const char *repository) {
    char *const *scopes = gate->settings->policy.scopes;

    for (size_t i = 0; scopes[i]; i++) {
        if (strcmp(scopes[i], repository) == 0) {
            return &gate->served[i];
        }
    }
    return NULL;
}

bool confinement_has_lost(const struct gate *gate, const char *repository) {
    const struct gate_served *then = find_served(gate, repository);
    struct stat now;
    char path[PATH_MAX];

    return gate->confine.landlock_abi != 0 && then && settings_path_of(path, gate->settings, repository) &&
           stat(path, &now) == 0 && (now.st_dev != then->device || now.st_ino != then->inode);
}

int confinement_enter(struct gate *gate, struct gate_error *error) {
    const struct server_settings *settings = gate->settings;
    _cleanup_(reach_deinit) struct reach reach = {0};
    int r;

    if (settings->confine == CONFINE_OFF) {
        log_record(&gate->log, LOG_LEVEL_INFO, "not confined", LOG_FIELDS(log_string("confine", "off")));
        return 0;
    }
    if (reach_find(&reach, gate) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    record_served(gate);
    r = check_label(gate, error);
    r = r ? r : check_owned_hooks(gate, error);
    r = r ? r : confine_thread(&gate->confine, &reach.settings, error);
    r = r ? r : check_needs(gate, &reach, error);
    if (!r) {
        gate->environ.is_confined = gate->confine.landlock_abi > 0;
        log_confinement(gate, &reach);
    }
    return r;
}
