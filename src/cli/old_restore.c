/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Puts kept tips back. A reference that exists thereby loses its present tip, so this tip is kept first, as at a push.
 * The kept tips must stay where they are: git-gate old prune removes them in time.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/old_list.h"
#include "hook/keep.h"
#include "rules/words.h"

/* @old: for each tip of the list, the present id of its reference, on the heap; NULL if there is none */
struct restore {
    const struct old_list *list;
    char **old;
};

static int find_old(char *line, void *userdata) {
    struct restore *restore = userdata;
    const char *id = strsep(&line, " ");

    for (size_t i = 0; line && i < restore->list->n_tips; i++) {
        const struct old_tip *tip = &restore->list->tips[i];

        if (tip->chosen && strcmp(tip->name, line) == 0) {
            free(restore->old[i]);
            restore->old[i] = strdup(id);
            if (!restore->old[i]) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

static bool moves(const struct restore *restore, size_t i) {
    const struct old_tip *tip = &restore->list->tips[i];

    return tip->chosen && (!restore->old[i] || strcmp(restore->old[i], tip->id) != 0);
}

static int keep_own(const struct restore *restore, const struct child_git *git) {
    struct keep_tip *tips = calloc(restore->list->n_tips, sizeof(*tips));
    char entry[KEEP_ENTRY_MAX];
    size_t n = 0;
    int r = tips ? keep_name_entry(entry) : -ENOMEM;

    for (size_t i = 0; i < restore->list->n_tips && !r; i++) {
        if (moves(restore, i) && restore->old[i]) {
            tips[n++] =
                (struct keep_tip){.id = restore->old[i], .name = restore->list->tips[i].name, .how = "restored"};
        }
    }
    r = r || n == 0 ? r : keep_write(git, entry, tips, n);
    free(tips);
    return r;
}

/* Git refuses if a reference has changed meanwhile. */
static int move(const struct restore *restore, const struct child_git *git) {
    FILE *input = child_input_open();
    int r;

    if (!input) {
        return -errno;
    }
    for (size_t i = 0; i < restore->list->n_tips; i++) {
        const struct old_tip *tip = &restore->list->tips[i];

        if (moves(restore, i) && restore->old[i]) {
            (void)fprintf(input, "update %s%c%s%c%s%c", tip->name, '\0', tip->id, '\0', restore->old[i], '\0');
        } else if (moves(restore, i)) {
            (void)fprintf(input, "create %s%c%s%c", tip->name, '\0', tip->id, '\0');
        }
    }
    r = keep_update(git, input);
    (void)fclose(input);
    return r;
}

static void print(const struct restore *restore) {
    for (size_t i = 0; i < restore->list->n_tips; i++) {
        const struct old_tip *tip = &restore->list->tips[i];
        char name[WORDS_QUOTED_MAX_BYTES];

        if (tip->chosen) {
            words_quote(name, tip->name, strlen(tip->name));
            printf("%s leads to %s%s\n", name, tip->id, moves(restore, i) ? "" : ", as before");
        }
    }
}

int old_restore(const struct old_list *list, const struct child_git *git, struct gate_error *error) {
    struct restore restore = {.list = list, .old = calloc(list->n_tips + 1, sizeof(*restore.old))};
    int r = restore.old ? old_refs_visit(git, "refs", find_old, &restore) : -ENOMEM;

    r = r ? r : keep_own(&restore, git);
    r = r ? r : move(&restore, git);
    if (!r) {
        print(&restore);
    }
    for (size_t i = 0; restore.old && i < list->n_tips; i++) {
        free(restore.old[i]);
    }
    free(restore.old);
    return r ? gate_error_set(
                   error, GATE_E_START,
                   "git has not moved the references: %s; nothing is lost: does 'git update-ref' work there, "
                   "or is another reference in the way, as refs/heads/a is for refs/heads/a/b?",
                   strerror(-r))
             : 0;
}
