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

/** struct finding - a fault of a commit */
struct finding {
    char commit[CHANGES_ID_MAX];
    char words[FINDINGS_WORDS_MAX];
};

/** struct findings - faults of commits, while it is unknown which references would bring them */
struct findings {
    struct push *push;
    size_t n_findings;
    struct finding findings[REPORT_REFUSALS_MAX];
};

/** findings_add() - record a fault, unless the list is full; texts of a pusher must be quoted */
__attribute__((format(printf, 3, 4))) void findings_add(struct findings *findings, const char *commit,
                                                        const char *format, ...);

/** findings_are_full() - whether the list is full, so that nothing more has to be looked for */
bool findings_are_full(const struct findings *findings);

/** findings_report() - report each fault, with a reference that leads to its commit. Return: 0 or a negative errno. */
int findings_report(struct findings *findings);
