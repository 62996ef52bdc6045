/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum {
    REPORT_REFUSALS_MAX = 20, /* that are told; further ones are counted */
};

/**
 * struct report - what a pusher is told
 * @to: a stream of lines
 * @n_refusals: so far
 */
struct report {
    FILE *to;
    size_t n_refusals;
};

/**
 * report_refuse() - tell of one thing that is refused
 * @reference: whose name is shown quoted; NULL for the push as a whole
 * @format: why, and what would be allowed; what a pusher has chosen must have been quoted: words_quote()
 */
__attribute__((format(printf, 3, 4))) void report_refuse(struct report *report, const char *reference,
                                                         const char *format, ...);

/** report_end() - tell how many were not told, and that nothing of the push was taken */
void report_end(struct report *report);
