/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "rules/rules.h"

enum {
    WORDS_MAX_BYTES = 400, /* of a list, with terminator; a longer one ends with "and others" */
    WORDS_QUOTED_MAX_BYTES = 300,
};

/**
 * words_quote() - write text of a pusher so that no terminal obeys it
 *
 * Bytes that are not printable ASCII, backslashes and quotation marks become octal, as git quotes paths. What is too
 * long ends with three dots.
 */
void words_quote(char quoted[WORDS_QUOTED_MAX_BYTES], const char *text, size_t size);

/** words_of_refs() - what may be done to the references of one section, as "create, fast-forward" */
void words_of_refs(char words[WORDS_MAX_BYTES], const struct rules_refs *refs);

/** words_of_patterns() - the patterns of all sections in which something may be done; "nothing" for none */
void words_of_patterns(char words[WORDS_MAX_BYTES], const struct rules *rules);

/** words_of_list() - the items of a list, separated by commas */
void words_of_list(char words[WORDS_MAX_BYTES], const struct rules_list *list);

/** words_print() - all that the rules allow and refuse, in sentences of a line */
void words_print(FILE *to, const struct rules *rules);
