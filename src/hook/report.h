/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum {
    REPORT_REFUSALS_MAX = 20, /* refusals that are printed; further ones are only counted */
};

/**
 * struct report - the refusals, as the pusher reads them
 * @to: the stream, for a line each
 * @n_refusals: so far
 */
struct report {
    FILE *to;
    size_t n_refusals;
};

/**
 * report_refuse() - print one refusal
 * @reference: a name, which is shown quoted; NULL for the push as a whole
 * @format: why, and what would be allowed; texts of a pusher must be quoted by words_quote()
 */
__attribute__((format(printf, 3, 4))) void report_refuse(struct report *report, const char *reference,
                                                         const char *format, ...);

/** report_end() - print how many refusals were left out, and that nothing of the push was taken */
void report_end(struct report *report);
