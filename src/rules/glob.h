/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    GLOB_PATTERN_MAX_BYTES = 255,
};

/**
 * glob_match_ref() - whether a reference's name fits
 * @pattern: '*' stands for any text, '/' included; "NAME/" for all references below NAME
 */
bool glob_match_ref(const char *pattern, const char *name);

/**
 * glob_match_text() - whether @text fits, with ASCII letters in either case
 * @pattern: '*' stands for any text, '?' for any byte
 */
bool glob_match_text(const char *pattern, const char *text);

/**
 * glob_path_fault() - why @pattern is no glob for paths
 *
 * Return: static words that follow the pattern in a message; NULL for a valid one.
 */
const char *glob_path_fault(const char *pattern);

/** enum glob_hit - how a path fits a glob; bits */
enum glob_hit {
    GLOB_WHOLE = 1,  /* the path itself fits, as git's :(glob,icase) has it */
    GLOB_INSIDE = 2, /* a folder above the path fits */
    GLOB_FOLDER = 4, /* the path or a folder above it is X, and the glob is X/ or X/ with two stars */
    GLOB_ABOVE = 8,  /* the glob names paths below this path */
};

/**
 * glob_match_path() - how @path fits @pattern, by git's pathspec globs and with ASCII letters in either case
 * @pattern: one without a glob_path_fault(); a '/' at its end stands for all below
 *
 * The time is at most the product of both lengths, whatever their bytes are.
 *
 * Return: bits of enum glob_hit; 0 for none.
 */
unsigned glob_match_path(const char *pattern, const char *path);

/** glob_has_wildcard() - whether @pattern is more than a plain path */
bool glob_has_wildcard(const char *pattern);
