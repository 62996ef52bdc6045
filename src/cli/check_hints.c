/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Prints the advice of git-gate check: the commands that make clones of a repository cheaper, and what each saved in
 * bench/hints. docs/performance.md has these figures. Advice changes no exit status. It must not be given for a
 * repository that is unsafe to serve, because the commands run git with the repository's configuration.
 */

#include "cli/check_hints.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "backend/upkeep.h"
#include "base/ascii.h"
#include "base/shell.h"

enum {
    OBJECTS_MIN = 10000, /* packed objects below which a bitmap or a commit-graph saves next to nothing */
    LOOSE_MIN = 2000,    /* a third of gc.auto: git never collects on its own while a gate serves */
    PACKS_MIN = 50,      /* as gc.autoPackLimit */
    QUOTED_MAX = 4 * PATH_MAX + 3,
};

/* These keep unreachable objects (-k), which clones may borrow, and leave borrowed ones where they are (-l). */
static const char repack[] = "repack -a -d -l -k";
static const char repack_with_bitmap[] = "repack -a -d -l -k -b";
static const char write_graph[] = "commit-graph write --reachable";

static void print_hint(const char *finding, const char *path, const char *command) {
    printf("cheaper clones: %s: git -C %s %s\n", finding, path, command);
}

/* A bitmap needs all objects in one pack: git writes none where some are borrowed or missing. */
static bool can_have_bitmap(const struct upkeep *upkeep) {
    return !upkeep->borrows && !upkeep->is_partial;
}

static void print_all(const struct upkeep *upkeep, const char *path) {
    const char *best_repack = can_have_bitmap(upkeep) ? repack_with_bitmap : repack;
    char finding[256];

    if (upkeep->n_packed >= OBJECTS_MIN && !upkeep->has_bitmap && can_have_bitmap(upkeep)) {
        print_hint("no bitmap; one was measured to make a clone 14 times cheaper", path, repack_with_bitmap);
    }
    if (upkeep->n_packed >= OBJECTS_MIN && !upkeep->has_commit_graph) {
        print_hint("no commit-graph; one was measured to make a fetch from far behind 1.9 times cheaper to negotiate",
                   path, write_graph);
    }
    if (upkeep->n_loose >= LOOSE_MIN) {
        (void)snprintf(finding, sizeof(finding),
                       "about %zu loose objects; packing 5,000 was measured to make a clone 13 times cheaper",
                       upkeep->n_loose);
        print_hint(finding, path, best_repack);
    }
    if (upkeep->n_packs >= PACKS_MIN && !upkeep->has_pack_index) {
        (void)snprintf(finding, sizeof(finding),
                       "%zu packs; making 126 one was measured to make a clone 5 times cheaper", upkeep->n_packs);
        print_hint(finding, path, best_repack);
    }
}

void check_hints_print(const char *path) {
    struct upkeep upkeep;
    char quoted[QUOTED_MAX];

    if (!shell_quote(quoted, sizeof(quoted), path) || !upkeep_examine(&upkeep, path)) {
        return;
    }
    ascii_make_printable(quoted);
    print_all(&upkeep, quoted);
}
