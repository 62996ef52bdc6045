/* SPDX-License-Identifier: Apache-2.0 */

/* Lists the kept tips: the references below KEEP_PREFIX. Each name has the entry, the kind of loss, and a reference. */

#include "cli/old_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/variables.h"

int old_refs_visit(const struct child_git *git, const char *prefix, int (*visit)(char *line, void *userdata),
                   void *userdata) {
    const char *const argv[] = {"for-each-ref", "--format=%(objectname) %(refname)", prefix, NULL};

    return child_each_line(git, -1, argv, visit, userdata);
}

/* Return: false for a reference there that git-gate has not made. */
static bool parse(struct old_tip *tip, char *line) {
    static const char prefix[] = KEEP_PREFIX "/";
    char *rest = line;

    tip->line = line;
    tip->id = strsep(&rest, " ");
    if (!rest || strncmp(rest, prefix, strlen(prefix)) != 0) {
        return false;
    }
    rest += strlen(prefix);
    tip->entry = strsep(&rest, "/");
    tip->how = rest ? strsep(&rest, "/") : NULL;
    tip->name = rest;
    return rest && strncmp(rest, "refs/", strlen("refs/")) == 0;
}

static int take(char *line, void *userdata) {
    struct old_list *list = userdata;
    struct old_tip tip = {0};
    struct old_tip *tips = list->tips;
    char *copy = strdup(line);

    if ((list->n_tips & (list->n_tips - 1)) == 0) { /* full: its room is a power of two */
        tips = reallocarray(tips, list->n_tips ? 2 * list->n_tips : 1, sizeof(*tips));
    }
    list->tips = tips ? tips : list->tips;
    if (!copy || !tips) {
        free(copy);
        return -ENOMEM;
    }
    if (parse(&tip, copy)) {
        list->tips[list->n_tips++] = tip;
    } else {
        free(copy);
    }
    return 0;
}

int old_list_read(struct old_list *list, const struct child_git *git, struct gate_error *error) {
    int r = old_refs_visit(git, KEEP_PREFIX, take, list);

    return r ? gate_error_set(error, r == -ENOMEM ? GATE_E_INTERNAL : GATE_E_START,
                              "cannot list what '%.200s' keeps: %s; does 'git for-each-ref' work there?",
                              git->repository, strerror(-r))
             : 0;
}

void old_list_deinit(struct old_list *list) {
    for (size_t i = 0; i < list->n_tips; i++) {
        free(list->tips[i].line);
    }
    free(list->tips);
}
