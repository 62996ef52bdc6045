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
 * keep_find() - find the tips that references would lose by a push: of deletions, and of updates that are no
 * fast-forwards
 * @tipsp, @n_tipsp: the tips, to be freed; their texts belong to the push
 *
 * An update that cannot be shown to be a fast-forward counts as forced. The kinds of the commands are set. With rules,
 * call push_judge() first.
 *
 * Return: 0; -EINVAL for a deletion that does not name the old object; a negative errno.
 */
int keep_find(struct keep_tip **tipsp, size_t *n_tipsp, struct push *push);

/** keep_name_entry() - make a unique name of an entry from the time. Return: 0 or a negative errno. */
int keep_name_entry(char entry[KEEP_ENTRY_MAX]);

/** keep_name_time() - write how entries of a time begin, to be compared as text. Return: 0, -EOVERFLOW. */
int keep_name_time(char entry[KEEP_ENTRY_MAX], time_t time);

/**
 * keep_write() - make a reference to each tip, KEEP_PREFIX/ENTRY/HOW/NAME; either all or none
 * @tips: each must be the present tip of the reference of its name; otherwise none is made
 *
 * The references are on the disk when it returns.
 *
 * Return: 0 or a negative errno.
 */
int keep_write(const struct child_git *git, const char *entry, const struct keep_tip *tips, size_t n_tips);

/**
 * keep_update() - have git change references, without hooks and reflogs
 * @input: the input of git update-ref -z --stdin, from child_input_open()
 *
 * Return: 0 or a negative errno.
 */
int keep_update(const struct child_git *git, FILE *input);
