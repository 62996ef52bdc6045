/* SPDX-License-Identifier: Apache-2.0 */

/* Owns the moment in which a server is confined, and what is said of it. */

#include "serve/confinement.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/fd.h"
#include "serve/reach.h"
#include "serve/server.h"

static const char *name_label(const struct server *server) {
    switch (server->listener.label) {
    case SELINUX_LABEL_OFF:
        return "off";
    case SELINUX_LABEL_SET:
        return server->settings->listener.selinux_type;
    case SELINUX_LABEL_FAILED:
        break;
    }
    return "failed";
}

static int check_label(struct server *server, struct gate_error *error) {
    if (server->listener.label != SELINUX_LABEL_FAILED) {
        return 0;
    }
    if (server->settings->confine == CONFINE_REQUIRE) {
        return gate_error_set(error, GATE_E_START, "--confine=require, but %s", selinux_failure());
    }
    log_message(&server->log, LOG_LEVEL_WARNING, selinux_failure());
    return 0;
}

static bool is_reachable(const char *served, bool read_only) {
    return access(served, read_only ? R_OK : W_OK) == 0;
}

/* Without capabilities, the user with the id 0 is one like any other, for whom modes count. */
static int check_access(const struct server *server, const char *served, bool was_reachable, struct gate_error *error) {
    if (!was_reachable || is_reachable(served, server->settings->policy.read_only)) {
        return 0;
    }
    return gate_error_set(error, GATE_E_START,
                          "'%s' is out of reach without capabilities, which --confine drops; "
                          "run git-gate as the owner of the repository, or with --confine=off",
                          served);
}

static void say_what_holds(struct server *server, const struct reach *reach) {
    const struct confine *confine = &server->confine;

    log_record(&server->log, LOG_LEVEL_INFO, "confined",
               LOG_FIELDS(log_number("landlock_abi", confine->landlock_abi),
                          log_string("seccomp", confine->has_seccomp ? "yes" : "no"),
                          log_string("capabilities", confine->had_capabilities ? "dropped" : "none"),
                          log_string("selinux", name_label(server)),
                          log_number("alternates", reach->alternates.n_paths)));
    if (confine->landlock_abi == 0 || !confine->has_seccomp) {
        log_record(&server->log, LOG_LEVEL_WARNING,
                   "this kernel cannot confine git in all respects, see --confine in git-gate(1)",
                   LOG_FIELDS(log_string("missing", confine->has_seccomp         ? "Landlock"
                                                    : confine->landlock_abi != 0 ? "seccomp"
                                                                                 : "Landlock and seccomp")));
    }
    if (reach->alternates.n_skipped > 0) {
        log_record(&server->log, LOG_LEVEL_WARNING,
                   "lines of objects/info/alternates name no object store that can be read; see --allow-path",
                   LOG_FIELDS(log_number("lines", reach->alternates.n_skipped)));
    }
    if (reach->n_links_skipped > 0) {
        log_record(&server->log, LOG_LEVEL_WARNING,
                   "too many repositories below the mirror root are links, so some are out of reach",
                   LOG_FIELDS(log_number("repositories", reach->n_links_skipped)));
    }
}

static bool look_at_served(const struct server *server, struct stat *statusp) {
    const struct server_settings *settings = server->settings;
    char path[PATH_MAX];

    return settings->confine != CONFINE_OFF && strcmp(settings->policy.scope, "*") != 0 &&
           snprintf(path, sizeof(path), "%s/%s.git", settings->environ.mirror_root, settings->policy.scope) <
               (int)sizeof(path) &&
           stat(path, statusp) == 0;
}

bool confinement_has_lost(const struct server *server) {
    struct stat now;

    return server->confine.landlock_abi != 0 && look_at_served(server, &now) &&
           (now.st_dev != server->served.st_dev || now.st_ino != server->served.st_ino);
}

int confinement_enter(struct server *server, struct gate_error *error) {
    const struct server_settings *settings = server->settings;
    _cleanup_(reach_deinit) struct reach reach = {0};
    bool was_reachable;
    sd_id128_t boot;
    int r;

    if (settings->confine == CONFINE_OFF) {
        return 0;
    }
    if (reach_find(&reach, server) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    (void)look_at_served(server, &server->served);
    was_reachable = is_reachable(reach.served[0], settings->policy.read_only);
    (void)sd_id128_get_boot(&boot); /* the loop asks for it at its first timer, and gets what was read now */
    r = check_label(server, error);
    r = r ? r : confine_thread(&server->confine, &reach.settings, error);
    r = r ? r : check_access(server, reach.served[0], was_reachable, error);
    if (!r) {
        say_what_holds(server, &reach);
    }
    return r;
}
