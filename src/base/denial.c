/* SPDX-License-Identifier: Apache-2.0 */

/* Explains why this process may not use a path. It looks at owners and modes, and changes nothing. */

#include "base/denial.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SHOWN_MAX = 150, /* bytes of a path in a message; a longer one loses its beginning */
    MODE_BITS = 07777,
};

/* Sets @obstacle to the first folder on the way to @path that this process may not enter, or to @path. */
static void find_obstacle(char obstacle[PATH_MAX], const char *path) {
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(obstacle, PATH_MAX, "%.*s", (int)(slash - path), path);
        if (faccessat(AT_FDCWD, obstacle, X_OK, AT_EACCESS) != 0) {
            return;
        }
    }
    (void)snprintf(obstacle, PATH_MAX, "%s", path);
}

void denial_find(struct denial *denial, const char *path, const char *program) {
    const unsigned user = (unsigned)geteuid();
    char obstacle[PATH_MAX];
    const char *shown = obstacle;
    struct stat status;
    bool is_cut;

    find_obstacle(obstacle, *path ? path : ".");
    is_cut = strlen(obstacle) > SHOWN_MAX;
    shown += is_cut ? strlen(obstacle) - SHOWN_MAX : 0;
    if (stat(obstacle, &status) < 0) { /* a link: the obstacle lies on the way to its target */
        (void)snprintf(denial->facts, sizeof(denial->facts), "'%s%s' leads to a place that uid %u cannot reach",
                       is_cut ? "..." : "", shown, user);
        (void)snprintf(denial->remedy, sizeof(denial->remedy), "run %s as its owner", program);
        denial->owner = (uid_t)-1;
        denial->group = (gid_t)-1;
        return;
    }
    denial->owner = status.st_uid;
    denial->group = status.st_mode & (S_ISDIR(status.st_mode) ? S_IXGRP : S_IWGRP) ? status.st_gid : (gid_t)-1;
    (void)snprintf(denial->facts, sizeof(denial->facts),
                   "'%s%s' belongs to uid %u and has mode %04o, and this is uid %u", is_cut ? "..." : "", shown,
                   (unsigned)status.st_uid, (unsigned)status.st_mode & MODE_BITS, user);
    if (status.st_uid == user) {
        (void)snprintf(denial->remedy, sizeof(denial->remedy), "mend its mode with chmod");
    } else {
        (void)snprintf(denial->remedy, sizeof(denial->remedy), "run %s as its owner, uid %u", program,
                       (unsigned)status.st_uid);
    }
}

int denial_refuse(const char *what, const char *path, const char *program, struct gate_error *error) {
    struct denial denial;

    denial_find(&denial, path, program);
    return gate_error_set(error, GATE_E_USAGE, "permission denied to %s: %s; %s", what, denial.facts, denial.remedy);
}
