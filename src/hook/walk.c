/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Starts the processes of git that list new commits and their changes. One git log does both. With git rev-list and git
 * diff-tree, two processes would read each commit, and the second one would wait for the first. git log is made for
 * people, so the arguments here override every setting of the repository that changes its output. The tests compare
 * its output under such settings with that of git diff-tree.
 */

#include "hook/walk.h"

#include "hook/changes.h"
#include "hook/child.h"
#include "hook/push.h"
#include "rules/variables.h"

/* Old tips, which are kept, may have come under other rules. */
static const char without_kept[] = "--exclude=" KEEP_PREFIX "/*";

/* Submodules are ignored where a repository says so in its own configuration, unless the caller forbids it. */
#define OUTPUT_ARGUMENTS                                                                                               \
    "--root", "-r", "-c", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-color", "--ignore-submodules=none",      \
        "--encoding=none", CHANGES_FORMAT

/* Against settings that git log obeys, and git diff-tree does not: log.*, notes.*, diff.orderFile, diff.relative. */
#define LOG_ARGUMENTS                                                                                                  \
    "--no-decorate", "--no-mailmap", "--no-notes", "--no-show-signature", "--no-relative", "-O/dev/null"

static const char *find_known(const struct push *push) {
    return push->base && !*push->base ? NULL : push->base ? push->base : "--all";
}

int walk_start_changes(struct child *child, const struct push *push, FILE *tips) {
    const char *argv[] = {"log",   OUTPUT_ARGUMENTS, LOG_ARGUMENTS,    "--stdin",
                          "--not", without_kept,     find_known(push), NULL};
    int r = child_input_fd(tips);

    return r < 0 ? r : child_start(child, &push->git, r, argv);
}

int walk_start_merges(struct child *child, const struct push *push, FILE *tips) {
    const char *argv[] = {"rev-list", "--merges",   "--parents",      "--stdin",
                          "--not",    without_kept, find_known(push), NULL};
    int r = child_input_fd(tips);

    return r < 0 ? r : child_start(child, &push->git, r, argv);
}

int walk_start_comparison(struct child *child, const struct push *push, int input) {
    static const char *const argv[] = {"diff-tree", "--stdin", "--always", OUTPUT_ARGUMENTS, NULL};

    return child_start(child, &push->git, input, argv);
}
