/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hook/changes.h"
#include "hook/report.h"

struct push;

enum {
    FINDINGS_WORDS_MAX = 1200,
};

/** struct finding - what is wrong with a commit */
struct finding {
    char commit[CHANGES_ID_MAX];
    char words[FINDINGS_WORDS_MAX];
};

/** struct findings - faults of commits, before it is known which references would have brought them */
struct findings {
    struct push *push;
    size_t n_findings;
    struct finding findings[REPORT_REFUSALS_MAX];
};

/** findings_add() - remember a fault, unless they are full; what a pusher has chosen must have been quoted */
__attribute__((format(printf, 3, 4))) void findings_add(struct findings *findings, const char *commit,
                                                        const char *format, ...);

/** findings_are_full() - whether there is no use in looking for more */
bool findings_are_full(const struct findings *findings);

/** findings_report() - refuse for each the references that lead to the commit. Return: 0 or a negative errno. */
int findings_report(struct findings *findings);
