/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    RULES_TEXT_MAX_BYTES = 64 * 1024, /* of all keys and values, in one variable; Linux allows 128 KiB for it */
};

#define RULES_NO_LIMIT UINT64_MAX

/** enum rules_update - how an existing reference may be moved */
enum rules_update {
    RULES_UPDATE_NONE,
    RULES_UPDATE_FAST_FORWARD,
    RULES_UPDATE_ANY,
};

/** enum rules_mode - bits: the kinds of tree entries that files.deny forbids */
enum rules_mode {
    RULES_SYMLINK = 1,
    RULES_SUBMODULE = 2,
    RULES_EXECUTABLE = 4,
};

/** struct rules_refs - a section [refs "PATTERN"]; @given: bits of the keys that it has */
struct rules_refs {
    char *pattern;
    bool creates;
    enum rules_update update;
    bool deletes;
    unsigned given;
};

/** struct rules_list - the values of a repeatable key */
struct rules_list {
    char **items;
    size_t n_items;
};

/**
 * struct rules - what may be pushed
 * @refs: in the file's order. The first one whose pattern fits a reference decides; a reference that fits none is
 *        refused.
 * @deny_modes: bits of enum rules_mode
 * @max_file_bytes, @max_path_bytes, @max_commits, @max_refs: RULES_NO_LIMIT for none
 * @signed_off: each commit needs a Signed-off-by of its author or committer
 * @given: bits of the keys outside of refs that were given
 */
struct rules {
    struct rules_refs *refs;
    size_t n_refs;
    struct rules_list deny_paths;
    struct rules_list allow_paths;
    struct rules_list authors;
    struct rules_list committers;
    unsigned deny_modes;
    uint64_t max_file_bytes;
    uint64_t max_path_bytes;
    uint64_t max_commits;
    uint64_t max_refs;
    bool signed_off;
    unsigned given;
};

#define RULES_NONE                                                                                                     \
    ((struct rules){.max_file_bytes = RULES_NO_LIMIT,                                                                  \
                    .max_path_bytes = RULES_NO_LIMIT,                                                                  \
                    .max_commits = RULES_NO_LIMIT,                                                                     \
                    .max_refs = RULES_NO_LIMIT})

/**
 * rules_add() - take one variable of a rules file
 * @key: SECTION.KEY or refs.PATTERN.KEY as git prints it, with section and key in lower case
 * @value: NULL for a key without one, which stands for true
 * @error: says what is wrong with it
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int rules_add(struct rules *rules, const char *key, const char *value, struct gate_error *error);

/**
 * rules_parse() - read all rules from the text for the hook, which has a line for each key and for each value
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int rules_parse(struct rules *rules, const char *text, struct gate_error *error);

/** rules_deinit() - free all rules */
void rules_deinit(struct rules *rules);

/** rules_find_refs() - find the section that decides about a reference. Return: NULL for none; it is refused then. */
const struct rules_refs *rules_find_refs(const struct rules *rules, const char *name);

/** rules_judge_content() - whether there are rules about commits, paths or files at all */
bool rules_judge_content(const struct rules *rules);

/** rules_judge_paths() - whether there are rules about paths */
bool rules_judge_paths(const struct rules *rules);
