/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hook/child.h"

/** enum ask_kind - the kind of an object */
enum ask_kind {
    ASK_MISSING,
    ASK_COMMIT,
    ASK_TAG,
    ASK_OTHER, /* a tree or a blob */
};

/**
 * struct ask_object - a question about an object's kind
 * @id: the object's id
 * @peeled: tags are followed to the object that they lead to
 * @kind: the answer
 */
struct ask_object {
    const char *id;
    bool peeled;
    enum ask_kind kind;
};

/** ask_kinds() - find the kinds of objects, with one git for all of them. Return: 0 or a negative errno. */
int ask_kinds(const struct child_git *git, struct ask_object *objects, size_t n_objects);

enum {
    ASK_ID_MAX = 65,
};

/**
 * ask_id() - find the id that a revision stands for: gitrevisions(7)
 *
 * Return: 0; -ENOENT for none; a negative errno.
 */
int ask_id(char id[ASK_ID_MAX], const struct child_git *git, const char *revision);

/**
 * struct ask_pair - a question whether one commit is an ancestor of another
 * @old, @new: ids of commits, or of tags that lead to one
 * @is_ancestor: the answer: @old is @new or an ancestor of it
 */
struct ask_pair {
    const char *old;
    const char *new;
    bool is_ancestor;
};

/** ask_ancestry() - answer each pair, with one git for a thousand pairs. Return: 0 or a negative errno. */
int ask_ancestry(const struct child_git *git, struct ask_pair *pairs, size_t n_pairs);

enum {
    ASK_BASES_MAX_BYTES = 64 * 66, /* of the merge bases of one pair */
};

/**
 * ask_bases() - find the merge bases of each pair, whose @is_ancestor is not filled
 * @n_pairs: at most a thousand
 * @visit: called for each pair in turn. @bases: the ids, each after a space; "" for none. It returns 0 to go on; any
 *         other value ends the search.
 *
 * Return: 0; -E2BIG for a pair with more than 64 merge bases; the value with which @visit ended it; a negative errno.
 */
int ask_bases(const struct child_git *git, const struct ask_pair *pairs, size_t n_pairs,
              int (*visit)(size_t pair, const char *bases, void *userdata), void *userdata);

/**
 * ask_symbolic() - go through all symbolic references
 * @visit: called with the name of each
 *
 * Return: 0 or a negative errno.
 */
int ask_symbolic(const struct child_git *git, void (*visit)(const char *name, void *userdata), void *userdata);
