/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks that there is a repository at a path, and that its owner and modes let git serve it. It does not judge the
 * content of the files: hostile_repository.c does.
 */

#include "backend/mirror.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/denial.h"

/* git recognises a repository by HEAD, objects and refs. */
static int check_entries(const char *path, struct gate_error *error) {
    static const char *const names[] = {"HEAD", "objects", "refs"};
    char entry[PATH_MAX + sizeof("/objects")];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(entry, sizeof(entry), "%s/%s", path, names[i]);
        if (access(entry, R_OK) == 0) {
            continue;
        }
        if (errno == EACCES) {
            return denial_refuse("read the repository", entry, "git-gate", error);
        }
        return gate_error_set(error, GATE_E_USAGE,
                              "'%s' is not a bare git repository that can be read; make one with "
                              "'git clone --bare' or check --mirror-root and --scope",
                              path);
    }
    return 0;
}

/*
 * Whether this user may use a file or folder of another owner. @wanted: R_OK, W_OK, X_OK. For root only the modes
 * count: confinement will drop its capabilities, which access(2) would still take into account.
 */
static bool may_use(const char *path, int wanted) {
    struct stat status;
    mode_t bits;

    if (geteuid() != 0) {
        return access(path, wanted) == 0;
    }
    if (stat(path, &status) < 0) {
        return false;
    }
    bits = status.st_uid == 0            ? status.st_mode >> 6
           : group_member(status.st_gid) ? status.st_mode >> 3
                                         : status.st_mode;
    return (bits & (unsigned)wanted) == (unsigned)wanted;
}

/* Offers --trust-owner where it helps: not where only the owner may read the files. */
static const char *offer_trust(const char *path) {
    char objects[PATH_MAX + sizeof("/objects")];
    char head[PATH_MAX + sizeof("/HEAD")];

    (void)snprintf(objects, sizeof(objects), "%s/objects", path);
    (void)snprintf(head, sizeof(head), "%s/HEAD", path);
    if (!may_use(path, R_OK | X_OK) || !may_use(objects, R_OK | X_OK) || !may_use(head, R_OK)) {
        return "";
    }
    return may_use(path, W_OK) && may_use(objects, W_OK) ? ", or add --trust-owner"
                                                         : ", or add --trust-owner --read-only for fetches alone";
}

/* Whether the owner of the repository has become root by sudo(8), which is not needed. */
static bool is_owner_behind_sudo(uid_t owner) {
    const char *user = getenv("SUDO_UID");
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", (unsigned)owner);
    return geteuid() == 0 && user && strcmp(user, text) == 0;
}

static int refuse_owner(const char *path, uid_t owner, struct gate_error *error) {
    const unsigned user = (unsigned)geteuid();

    return gate_error_set(error, GATE_E_USAGE,
                          "'%s' belongs to uid %u and git serves only what belongs to uid %u: run git-gate as its "
                          "owner, uid %u%s, or give it to uid %u with chown -R%s",
                          path, (unsigned)owner, user, (unsigned)owner,
                          is_owner_behind_sudo(owner) ? ", without sudo" : "", user, offer_trust(path));
}

int mirror_check(const char *path, bool trust_owner, struct gate_error *error) {
    struct stat status;
    int r = stat(path, &status) < 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;

    if (r == EACCES) {
        return denial_refuse("read the repository", path, "git-gate", error);
    }
    if (r) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "there is no repository at '%s'; check --mirror-root, and --scope, which is the name without .git", path);
    }
    r = check_entries(path, error);
    return !r && status.st_uid != geteuid() && !trust_owner ? refuse_owner(path, status.st_uid, error) : r;
}

bool mirror_exists(const char *mirror_root, const char *repository) {
    char path[PATH_MAX];
    struct stat status;
    int size = snprintf(path, sizeof(path), "%s/%s.git/HEAD", mirror_root, repository);

    return size > 0 && size < PATH_MAX && (lstat(path, &status) == 0 || errno != ENOENT);
}
