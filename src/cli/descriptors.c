/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the program's limit on open files: raised, as far as it may be, to what the settings can come to need, so that a
 * gate full of clients still finds the descriptors for a process. What git inherits of it is no more than that.
 */

#include <sys/resource.h>

#include "cli/cli.h"

enum {
    DESCRIPTORS_PER_BACKEND =
        12,                 /* three pipes, a pidfd and a lifeline, and the child's ends while it is being started */
    DESCRIPTORS_OTHER = 32, /* the loop, the socket, standard streams, and those that were inherited */
};

void descriptors_raise(const struct server_settings *settings, struct log *log) {
    rlim_t needed =
        settings->max_connections + 1 + settings->max_backends * DESCRIPTORS_PER_BACKEND + DESCRIPTORS_OTHER;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < needed) {
        log_record(
            log, LOG_LEVEL_WARNING,
            "too few open files are allowed for --max-connections and --max-backends; lower these, or raise the limit "
            "(ulimit -n, LimitNOFILE=)",
            LOG_FIELDS(log_number("allowed", limit.rlim_cur), log_number("needed", needed)));
    }
}
