/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds changes that merges drop. The diff of a merge with all of its parents leaves out each path that is as in one of
 * them. That parent may be an old commit, or a root without any files, so the merge can undo the change of another
 * parent. A change is dropped when the other parent's path differs from the merge's and from those of the merge bases.
 *
 * git diff-tree compares that other parent with the merge and the merge bases, which are passed as if they were its
 * parents. Without a merge base, every file of the parent counts as changed. Two processes serve some hundreds of
 * merges.
 */

#include "hook/merges.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "hook/ask.h"
#include "hook/child.h"
#include "hook/walk.h"

enum {
    PAIRS_MAX = 1000,
};

/* One parent of a merge, compared with another one. @has_base: they have a merge base */
struct side {
    char merge[CHANGES_ID_MAX];
    bool has_base;
};

/* @ids: memory for the parents' ids, to which @pairs points. @sides: two for each pair, in the order of @input */
struct batch {
    const struct push *push;
    merges_visit_file *visit;
    void *userdata;
    size_t n_pairs;
    struct ask_pair pairs[PAIRS_MAX];
    char ids[2 * PAIRS_MAX][CHANGES_ID_MAX];
    struct side sides[2 * PAIRS_MAX];
    FILE *input;
    struct changes changes;
};

static int take_bases(size_t pair, const char *bases, void *userdata) {
    struct batch *batch = userdata;
    const struct ask_pair *ids = &batch->pairs[pair];
    struct side *sides = &batch->sides[2 * pair];

    sides[0].has_base = sides[1].has_base = *bases != '\0';
    return fprintf(batch->input, "%s %s%s\n%s %s%s\n", ids->old, sides[0].merge, bases, ids->new, sides[1].merge,
                   bases) < 0
               ? -EIO
               : 0;
}

static int read_changes(struct batch *batch) {
    const struct side *side = NULL;
    size_t n_sides = 0;
    int r = changes_next(&batch->changes);

    for (; r > 0; r = changes_next(&batch->changes)) {
        if (r == CHANGES_COMMIT && n_sides < 2 * batch->n_pairs) {
            side = &batch->sides[n_sides++];
        } else if (r == CHANGES_COMMIT || !side) {
            return -EIO;
        } else if (side->has_base || batch->changes.file.mode != 0) {
            int end = batch->visit(side->merge, &batch->changes.file, batch->userdata);

            if (end) {
                return end;
            }
        }
    }
    return r < 0 ? r : n_sides == 2 * batch->n_pairs ? 0 : -EIO;
}

static int ask_changes(struct batch *batch) {
    struct child diff = CHILD_NONE;
    int r = child_input_fd(batch->input);

    r = r < 0 ? r : walk_start_comparison(&diff, batch->push, r);
    if (!r) {
        batch->changes.fd = diff.output;
        batch->changes.n_bytes = batch->changes.n_read = 0;
        r = read_changes(batch);
    }
    r = r ? r : child_end(&diff);
    child_kill(&diff);
    return r;
}

static int finish(struct batch *batch) {
    int r;

    if (batch->n_pairs == 0) {
        return 0;
    }
    batch->input = child_input_open();
    if (!batch->input) {
        return -errno;
    }
    r = ask_bases(&batch->push->git, batch->pairs, batch->n_pairs, take_bases, batch);
    r = r ? r : ask_changes(batch);
    (void)fclose(batch->input);
    batch->n_pairs = 0;
    return r;
}

static int add_pair(struct batch *batch, const char *merge, const char *one, const char *other) {
    const size_t n = batch->n_pairs;

    (void)snprintf(batch->ids[2 * n], CHANGES_ID_MAX, "%s", one);
    (void)snprintf(batch->ids[2 * n + 1], CHANGES_ID_MAX, "%s", other);
    batch->pairs[n] = (struct ask_pair){.old = batch->ids[2 * n], .new = batch->ids[2 * n + 1]};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(batch->sides[2 * n + i].merge, CHANGES_ID_MAX, "%s", merge);
    }
    batch->n_pairs++;
    return batch->n_pairs < PAIRS_MAX ? 0 : finish(batch);
}

/* @line: "MERGE PARENT PARENT..." */
static int add_merge(struct batch *batch, char *line, char wide[CHANGES_ID_MAX]) {
    const char *parents[MERGES_PARENTS_MAX];
    const char *merge = strsep(&line, " ");
    size_t n = 0;
    int r = 0;

    while (line && n < MERGES_PARENTS_MAX) {
        parents[n++] = strsep(&line, " ");
    }
    if (line) {
        (void)snprintf(wide, CHANGES_ID_MAX, "%s", merge);
        return MERGES_TOO_WIDE;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i && !r; k++) {
            r = strcmp(parents[k], parents[i]) == 0 ? 0 : add_pair(batch, merge, parents[k], parents[i]);
        }
    }
    return r;
}

static int read_merges(struct batch *batch, FILE *list, char wide[CHANGES_ID_MAX]) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size = 0;
    int r = 0;

    while (!r && (size = getline(&line, &room, list)) > 0) {
        if (line[size - 1] != '\n') {
            r = -EIO;
        } else {
            line[size - 1] = '\0';
            r = add_merge(batch, line, wide);
        }
    }
    free(line);
    return r || !ferror(list) ? r : -EIO;
}

int merges_judge(const struct push *push, FILE *tips, char wide[CHANGES_ID_MAX], merges_visit_file *visit,
                 void *userdata) {
    struct batch *batch = calloc(1, sizeof(*batch));
    struct child list = CHILD_NONE;
    FILE *lines = NULL;
    int r = batch ? walk_start_merges(&list, push, tips) : -ENOMEM;

    if (!r) {
        lines = fdopen(list.output, "r");
        r = lines ? 0 : -ENOMEM;
    }
    if (!r) {
        list.output = -1;
        batch->push = push;
        batch->visit = visit;
        batch->userdata = userdata;
        r = read_merges(batch, lines, wide);
        (void)fclose(lines);
    }
    r = r ? r : child_end(&list);
    r = r ? r : finish(batch);
    child_kill(&list);
    free(batch);
    return r;
}
