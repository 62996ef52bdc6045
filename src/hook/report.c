/* SPDX-License-Identifier: Apache-2.0 */

/* Tells a pusher the refusals and their reasons, in a bounded number of lines. */

#include "hook/report.h"

#include <stdarg.h>
#include <string.h>

#include "rules/words.h"

void report_refuse(struct report *report, const char *reference, const char *format, ...) {
    char quoted[WORDS_QUOTED_MAX_BYTES] = "this push";
    va_list arguments;

    if (++report->n_refusals > REPORT_REFUSALS_MAX) {
        return;
    }
    if (reference) {
        words_quote(quoted, reference, strlen(reference));
    }
    (void)fprintf(report->to, "refused: %s: ", quoted);
    va_start(arguments, format);
    (void)vfprintf(report->to, format, arguments);
    va_end(arguments);
    (void)fputc('\n', report->to);
}

void report_end(struct report *report) {
    if (report->n_refusals > REPORT_REFUSALS_MAX) {
        (void)fprintf(report->to, "and %zu more\n", report->n_refusals - REPORT_REFUSALS_MAX);
    } else if (report->n_refusals == REPORT_REFUSALS_MAX) {
        (void)fprintf(report->to, "there may be more\n");
    }
    if (report->n_refusals > 0) {
        (void)fprintf(report->to,
                      "the rules of this server let a push in as a whole or not at all: nothing was taken\n");
    }
}
