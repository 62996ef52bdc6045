/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records the faults of commits. All references of a push are walked together, so a fault does not say which reference
 * brings its commit. git is asked about that afterwards, and only for faults.
 */

#include "hook/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hook/ask.h"
#include "hook/push.h"

enum {
    REFERENCES_MAX = 100, /* of one push that are tried, to find the one that brings a commit */
};

void findings_add(struct findings *findings, const char *commit, const char *format, ...) {
    struct finding *finding;
    va_list arguments;

    if (findings_are_full(findings)) {
        return;
    }
    finding = &findings->findings[findings->n_findings++];
    (void)snprintf(finding->commit, sizeof(finding->commit), "%s", commit);
    va_start(arguments, format);
    (void)vsnprintf(finding->words, sizeof(finding->words), format, arguments);
    va_end(arguments);
}

bool findings_are_full(const struct findings *findings) {
    return findings->n_findings == REPORT_REFUSALS_MAX;
}

/* Lists the references that will lead to a commit. Return: their number. */
static size_t find_tips(const struct push_command **tips, const struct push *push) {
    size_t n = 0;

    for (size_t i = 0; i < push->n_commands && n < REFERENCES_MAX; i++) {
        if (!push_is_zero(push->commands[i].new)) {
            tips[n++] = &push->commands[i];
        }
    }
    return n;
}

/* @pairs: this commit with each of the tips */
static void refuse(struct push *push, const struct finding *finding, const struct push_command **tips,
                   const struct ask_pair *pairs, size_t n_tips) {
    const char *name = NULL;
    size_t n = 0;

    for (size_t i = 0; i < n_tips; i++) {
        if (pairs[i].is_ancestor) {
            name = name ? name : tips[i]->name;
            n++;
        }
    }
    if (n > 1) {
        report_refuse(push->report, name, "commit %.12s, which %zu more references bring, too: %s", finding->commit,
                      n - 1, finding->words);
    } else {
        report_refuse(push->report, name, "commit %.12s: %s", finding->commit, finding->words);
    }
}

int findings_report(struct findings *findings) {
    const struct push_command *tips[REFERENCES_MAX];
    const size_t n_tips = find_tips(tips, findings->push);
    const size_t n_pairs = n_tips * findings->n_findings;
    struct ask_pair *pairs;
    int r;

    if (n_pairs == 0) {
        return 0;
    }
    pairs = calloc(n_pairs, sizeof(*pairs));
    if (!pairs) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_pairs; i++) {
        pairs[i] = (struct ask_pair){.old = findings->findings[i / n_tips].commit, .new = tips[i % n_tips]->new};
    }
    r = ask_ancestry(&findings->push->git, pairs, n_pairs);
    for (size_t i = 0; i < findings->n_findings && !r; i++) {
        refuse(findings->push, &findings->findings[i], tips, pairs + i * n_tips, n_tips);
    }
    free(pairs);
    return r;
}
