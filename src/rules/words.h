/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "rules/rules.h"

enum {
    WORDS_MAX_BYTES = 400, /* of a list, with terminator; a longer one ends with "and others" */
    WORDS_QUOTED_MAX_BYTES = 300,
};

/**
 * words_quote() - write a pusher's text so that it cannot control a terminal
 *
 * Bytes that are not printable ASCII, backslashes and quotation marks become octal, as git quotes paths. A text that is
 * too long is cut, and ends with three dots.
 */
void words_quote(char quoted[WORDS_QUOTED_MAX_BYTES], const char *text, size_t size);

/** words_of_refs() - list the acts that a section allows, as "create, fast-forward" */
void words_of_refs(char words[WORDS_MAX_BYTES], const struct rules_refs *refs);

/** words_of_patterns() - list the patterns of all sections that allow anything; "nothing" for none */
void words_of_patterns(char words[WORDS_MAX_BYTES], const struct rules *rules);

/** words_of_list() - list the items, separated by commas */
void words_of_list(char words[WORDS_MAX_BYTES], const struct rules_list *list);

/** words_print() - print all rules, a sentence on each line */
void words_print(FILE *to, const struct rules *rules);
