/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct questions - lines for the input of one git, up to a bound; private to questions.c
 * @input: NULL without lines
 * @n_bytes, @max_bytes: of @input
 */
struct questions {
    FILE *input;
    size_t n_bytes;
    size_t max_bytes;
};

#define QUESTIONS_FULL 1

/** questions_init() - begin without lines */
void questions_init(struct questions *questions);

/**
 * questions_add() - add a line
 * @format: with the line's end
 *
 * Return: 0; QUESTIONS_FULL when the line was added and git should get them now; a negative errno.
 */
__attribute__((format(printf, 2, 3))) int questions_add(struct questions *questions, const char *format, ...);

/** questions_is_empty() - whether there is nothing to ask */
static inline bool questions_is_empty(const struct questions *questions) {
    return !questions->input;
}

/** questions_fd() - finish the lines for reading. Return: a descriptor, not the caller's, or a negative errno. */
int questions_fd(struct questions *questions);

/** questions_clear() - forget all lines; questions_add() begins anew */
void questions_clear(struct questions *questions);
