/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waits for a gate that does not listen yet, as when both start together. Every wait ends after the time in
 * GIT_GATE_WAIT at the latest. It must print nothing unless standard error is a terminal.
 */

#include "client/patience.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/dial.h"

enum {
    MS_PER_S = 1000,
};

int patience_find(int64_t *wait_msp, struct gate_error *error) {
    const char *text = getenv("GIT_GATE_WAIT");
    unsigned long seconds = PATIENCE_S;

    if (text && *text) {
        seconds = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : PATIENCE_MAX_S + 1;
    }
    if (seconds > PATIENCE_MAX_S) {
        return gate_error_set(error, GATE_E_USAGE,
                              "GIT_GATE_WAIT is a whole number of seconds, from 0, for no wait, to %d", PATIENCE_MAX_S);
    }
    *wait_msp = (int64_t)seconds * MS_PER_S;
    return 0;
}

bool patience_tell(const char *program, const char *path, int64_t waited_ms, int64_t wait_ms) {
    if (waited_ms < PATIENCE_TELL_MS || !isatty(STDERR_FILENO)) {
        return false;
    }
    (void)fprintf(stderr, "%s: waiting up to %lld s for a gate to listen on '%s' (GIT_GATE_WAIT)\n", program,
                  (long long)wait_ms / MS_PER_S, path);
    return true;
}

int patience_dial(int *fdp, const char *path, int64_t wait_ms, const char *program, int watched) {
    struct pollfd owner = {.fd = watched}; /* no event but the hang-up, which is always reported */
    int64_t begin_ms = clock_now_ms();
    bool has_told = false;

    for (;;) {
        int r = dial_open(fdp, path);
        int64_t waited_ms = clock_now_ms() - begin_ms;

        if (!dial_is_early(r, path) || waited_ms >= wait_ms) {
            return r;
        }
        has_told = has_told || patience_tell(program, path, waited_ms, wait_ms);
        if (poll(&owner, 1, PATIENCE_RETRY_MS) > 0) {
            return r;
        }
    }
}
