/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "hook/child.h"
#include "hook/findings.h"

/**
 * struct sizes - files whose size has to be asked, until there are enough for one git
 * @input: what git is to read; NULL before the first
 * @n_bytes, @max_input_bytes: of it
 */
struct sizes {
    const struct child_git *git;
    struct findings *findings;
    uint64_t max_file_bytes;
    FILE *input;
    size_t n_bytes;
    size_t max_input_bytes;
};

/** sizes_init() - begin; nothing is asked yet */
void sizes_init(struct sizes *sizes, const struct child_git *git, struct findings *findings, uint64_t max_file_bytes);

/**
 * sizes_add() - have a file's size judged, now or later
 * @id: of its blob
 * @quoted: its path, as words_quote() writes it
 *
 * Return: 0 or a negative errno.
 */
int sizes_add(struct sizes *sizes, const char *commit, const char *id, const char *quoted);

/** sizes_finish() - have all of them judged. Return: 0 or a negative errno. */
int sizes_finish(struct sizes *sizes);

/** sizes_deinit() - forget what was not judged */
void sizes_deinit(struct sizes *sizes);
