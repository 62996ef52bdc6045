/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds obstacles right before git is started: a missing repository; one that belongs to another user, or that would
 * make git do more than serve it; a hook of a push that git would now skip; a service that the operator or the
 * repository closes. Files may change at any time, so each request is checked anew. This file starts and changes
 * nothing.
 */

#include "serve/obstacle.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/hooks.h"
#include "backend/hostile_repository.h"
#include "backend/mirror.h"
#include "backend/service.h"
#include "serve/gate.h"
#include "serve/request_log.h"

/* git would skip a hook that is no longer executable, and accept the push without it: hooks_find_lost(). */
static bool has_lost_hook(struct gate *gate, const struct request *request) {
    const char *folder = gate->settings->environ.hooks_path;
    const char *lost = folder ? hooks_find_lost(&gate->hooks, folder) : NULL;

    if (lost) {
        log_record(
            &gate->log, LOG_LEVEL_ERROR,
            "a hook was executable at start and is no longer; restore it with mode 755, or restart git-gate without it",
            LOG_FIELDS(log_number("id", request->id), log_string("hooks_path", folder), log_string("hook", lost)));
    }
    return lost != NULL;
}

/* Without git-gate-hook, git would accept the push, judge it by no rules and keep no old tips. */
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
               "git-gate-hook, which --rules and --keep-old need, is no longer executable; reinstall git-gate",
               LOG_FIELDS(log_number("id", request->id), log_string("hooks", folder)));
    return true;
}

/*
 * git-http-backend, and every git before 2.48, refuse the repository of another user. upload-pack of later versions
 * serves it. At start the gate checks the owners of the repositories of --scope only, and they may change later.
 */
static bool belongs_to_another(const struct gate *gate, const char *path) {
    const struct environ_settings *settings = &gate->settings->environ;
    struct stat status;

    return settings->backend == ENVIRON_SERVICES && !settings->trust_owner && stat(path, &status) == 0 &&
           status.st_uid != geteuid();
}

static const char another_users[] =
    "it belongs to another user; use --trust-owner, or give it to the gate's user with chown -R";

/*
 * Refuses a repository that belongs to another user, that would make git do more than serve it, or that the gate cannot
 * read.
 */
static enum reason examine(struct hostile_repository_finding *finding, struct gate *gate, const struct request *request,
                           const char *key) {
    char path[PATH_MAX];
    int r;

    (void)settings_path_of(path, gate->settings, request->repository); /* mirror_exists() saw that it fits */
    r = hostile_repository_examine(finding, &gate->policy, path, key);
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
    struct hostile_repository_finding finding;
    enum reason code;

    if (!mirror_exists(gate->settings->environ.mirror_root, request->repository)) {
        *reasonp = "there is no such repository";
        return REASON_NO_REPOSITORY;
    }
    if (pushes && (has_lost_hook(gate, request) || has_lost_rules(gate, request))) {
        *reasonp = "a hook is no longer executable, and git would skip it; the gate's log names it";
        return REASON_LOST_HOOK;
    }
    if (access == SERVICE_CLOSED && settings->backend == ENVIRON_SERVICES) { /* git-http-backend checks it itself */
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
            ? "the repository belongs to another user, or its configuration or files would make git do more than "
              "serve it; the gate's log says which"
            : "the gate cannot read the repository; its log says why";
    return code;
}
