/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds what is in the way of git at the moment when it would be started: the repository is gone, a hook has become one
 * that git passes over, the repository belongs to another user, or would have git do something else than serve it, or
 * the operator's settings or the repository's own close the service. It starts nothing and changes nothing.
 */

#include "serve/obstacle.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/hooks.h"
#include "backend/mirror.h"
#include "backend/repository.h"
#include "backend/service.h"
#include "serve/gate.h"
#include "serve/request.h"

/* git would pass over a hook that may not be executed any more, and the push with it: see hooks_find_lost(). */
static bool has_lost_hook(struct gate *gate, const struct request *request) {
    const char *folder = gate->settings->environ.hooks_path;
    const char *lost = folder ? hooks_find_lost(&gate->hooks, folder) : NULL;

    if (lost) {
        log_record(
            &gate->log, LOG_LEVEL_ERROR,
            "a hook could be executed at start and cannot any more; put it back, with mode 755, or start git-gate anew "
            "without it",
            LOG_FIELDS(log_number("id", request->id), log_string("hooks_path", folder), log_string("hook", lost)));
    }
    return lost != NULL;
}

/* Without the hook that judges and keeps, git would take the push. */
static bool has_lost_rules(struct gate *gate, const struct request *request) {
    char folder[RULE_HOOKS_PATH_MAX];

    if (!gate->environ.rules && !gate->environ.keep_old) {
        return false;
    }
    rule_hooks_choose(folder, &gate->rule_hooks, gate->environ.hooks_path);
    if (rule_hooks_are_there(folder)) {
        return false;
    }
    log_record(&gate->log, LOG_LEVEL_ERROR,
               "git-gate-hook, which --rules and --keep-old need, cannot be executed any more; install git-gate anew",
               LOG_FIELDS(log_number("id", request->id), log_string("hooks", folder)));
    return true;
}

/*
 * git-http-backend, and git before 2.48, refuse a repository of another user, and upload-pack of later ones serves it.
 * At start the gate looks at those of --scope, which may be given away later, and with --scope=* at none.
 */
static bool belongs_to_another(const struct gate *gate, const char *path) {
    const struct environ_settings *settings = &gate->settings->environ;
    struct stat status;

    return settings->backend == ENVIRON_SERVICES && !settings->trust_owner && stat(path, &status) == 0 &&
           status.st_uid != geteuid();
}

static const char another_users[] =
    "it belongs to another user; say --trust-owner, or give it to the gate's user with chown -R";

/*
 * Keeps from git a repository of another user, one that could make git do more than serve it, and one that cannot be
 * looked into.
 */
static enum reason examine(struct repository_finding *finding, struct gate *gate, const struct request *request,
                           const char *key) {
    char path[PATH_MAX];
    int r;

    (void)settings_path_of(path, gate->settings, request->repository); /* mirror_exists() saw that it fits */
    r = repository_examine(finding, &gate->policy, path, key);
    if (r == 0 && !belongs_to_another(gate, path)) {
        return REASON_NONE;
    }
    log_record(&gate->log, LOG_LEVEL_ERROR, "the repository is not served",
               LOG_FIELDS(log_number("id", request->id), log_string("repository", path),
                          log_string("error", r == 0  ? another_users
                                              : r > 0 ? finding->reason
                                                      : strerror(-r))));
    return r < 0 ? REASON_GATE_FAILED : REASON_UNSAFE_REPOSITORY;
}

enum reason obstacle_find(const char **reasonp, struct gate *gate, const struct request *request, bool pushes) {
    const struct environ_settings *settings = &gate->settings->environ;
    const struct service_call call = {.name = request->route->service};
    const enum service_access access = service_find_access(&call, settings->git_config);
    struct repository_finding finding;
    enum reason code;

    if (!mirror_exists(gate->settings->environ.mirror_root, request->repository)) {
        *reasonp = "there is no such repository";
        return REASON_NO_REPOSITORY;
    }
    if (pushes && (has_lost_hook(gate, request) || has_lost_rules(gate, request))) {
        *reasonp = "a hook cannot be executed any more, and git would pass over it; the gate's log names it";
        return REASON_LOST_HOOK;
    }
    if (access == SERVICE_CLOSED && settings->backend == ENVIRON_SERVICES) { /* git-http-backend looks at it itself */
        *reasonp = "a setting of --git-config closes this: http.uploadpack, http.receivepack or http.getanyfile";
        return REASON_GIT_REFUSES;
    }
    code = examine(&finding, gate, request, service_key(&call));
    if (code == REASON_NONE && finding.closes && access == SERVICE_UNSET) {
        *reasonp = "the repository's own configuration closes this: http.uploadpack, http.receivepack or "
                   "http.getanyfile; its owner can open it";
        return REASON_GIT_REFUSES;
    }
    *reasonp =
        code == REASON_UNSAFE_REPOSITORY
            ? "the repository belongs to another user, or its configuration or files would have git do something "
              "else than to serve it; the gate's log says which"
            : "the gate cannot look into the repository; its log says why";
    return code;
}
