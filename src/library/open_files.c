/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Raises the limit on open files to the most that the settings can need, as far as the system allows. So a gate full of
 * clients still has descriptors for a process. Git inherits the limit. If the limit stays too low, the gate takes fewer
 * clients.
 */

#include "library/open_files.h"

#include <sys/resource.h>

enum {
    OPEN_FILES_PER_BACKEND = 12, /* six are held; the rest is for the child's ends while it is being started */
    OPEN_FILES_OTHER = 32,       /* the loop, the socket, standard streams, and inherited descriptors */
};

void open_files_provide(struct server_settings *settings, struct log *log, bool may_raise) {
    rlim_t reserved = settings->max_backends * OPEN_FILES_PER_BACKEND + OPEN_FILES_OTHER;
    rlim_t needed = settings->max_connections + reserved;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (!may_raise || setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < needed) {
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        settings->max_connections = limit.rlim_cur > reserved ? limit.rlim_cur - reserved : 1;
        log_record(log, LOG_LEVEL_WARNING,
                   "too few open files are allowed for --max-connections and --max-backends, so there will be fewer "
                   "connections; lower these, or raise the limit (ulimit -n, LimitNOFILE=)",
                   LOG_FIELDS(log_number("allowed", limit.rlim_cur), log_number("needed", needed),
                              log_number("connections", settings->max_connections)));
    }
}
