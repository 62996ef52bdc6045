/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <time.h>

#include "hook/push.h"

enum {
    KEEP_ENTRY_MAX = 40, /* "20261129T091221.123456Z-0123abcd", with terminator */
};

/** struct keep_tip - a tip that a reference is about to lose; @how: "deleted", "forced" or "restored" */
struct keep_tip {
    const char *id;
    const char *name;
    const char *how;
};

/**
 * keep_find() - find the tips that a push would take from references without leaving them behind the new ones
 * @tipsp, @n_tipsp: what was found, to be freed; the texts are the push's
 *
 * What cannot be shown to be a fast-forward counts as a loss. The kinds of the commands say so then. With rules, the push
 * has passed push_judge().
 *
 * Return: 0; -EINVAL for a deletion that does not say what it deletes; a negative errno.
 */
int keep_find(struct keep_tip **tipsp, size_t *n_tipsp, struct push *push);

/** keep_name_entry() - name an entry by the time, and as nobody else does. Return: 0 or a negative errno. */
int keep_name_entry(char entry[KEEP_ENTRY_MAX]);

/** keep_name_time() - the beginning of the entries of a time, to be compared as text. Return: 0, -EOVERFLOW. */
int keep_name_time(char entry[KEEP_ENTRY_MAX], time_t time);

/**
 * keep_write() - make a reference to each tip, KEEP_PREFIX/ENTRY/HOW/NAME, all or none
 * @tips: each the tip of the reference of its name at this moment; none is made otherwise
 *
 * They are on the disk when it returns.
 *
 * Return: 0 or a negative errno.
 */
int keep_write(const struct child_git *git, const char *entry, const struct keep_tip *tips, size_t n_tips);

/**
 * keep_update() - have git change references as it is told, without hooks and reflogs
 * @input: for git update-ref -z --stdin, of child_input_open()
 *
 * Return: 0 or a negative errno.
 */
int keep_update(const struct child_git *git, FILE *input);
