/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "hook/child.h"

/**
 * struct old_tip - a tip that was kept
 * @id: the object to which the reference @name led
 * @entry: the name of the push or restore that took it away
 * @how: deleted, forced or restored
 * @chosen: for the verb's own use
 */
struct old_tip {
    char *line; /* the others point into it */
    const char *id;
    const char *entry;
    const char *how;
    const char *name;
    bool chosen;
};

/** struct old_list - all kept tips of a repository, the oldest first */
struct old_list {
    struct old_tip *tips;
    size_t n_tips;
};

/** old_list_read() - ask git for the kept tips. Return: 0, GATE_E_START, GATE_E_INTERNAL. */
int old_list_read(struct old_list *list, const struct child_git *git, struct gate_error *error);

/** old_list_deinit() - free them */
void old_list_deinit(struct old_list *list);

/**
 * old_refs_visit() - call a function for each reference
 * @prefix: of their names
 * @visit: gets the line "ID NAME", which it may change. It returns 0, or another value to end the visit
 *
 * Return: 0, what @visit returned, or a negative errno.
 */
int old_refs_visit(const struct child_git *git, const char *prefix, int (*visit)(char *line, void *userdata),
                   void *userdata);

/**
 * old_restore() - put the chosen tips back to their references; the present tips of these are kept first
 *
 * Return: 0, GATE_E_START, GATE_E_INTERNAL.
 */
int old_restore(const struct old_list *list, const struct child_git *git, struct gate_error *error);
