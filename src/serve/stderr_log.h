/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/log.h"

enum {
    STDERR_LOG_LINE_BYTES = 1024,     /* of one record; a longer line makes several */
    STDERR_LOG_MAX_BYTES = 16 * 1024, /* that are logged for one request */
};

/**
 * struct stderr_log - turns what git says on its standard error into records
 * @log: where they go
 * @request_id: which request they belong to
 */
struct stderr_log {
    struct log *log;
    uint64_t request_id;

    /* the rest is stderr_log.c's own */
    struct buffer lines;
    size_t n_logged;
};

void stderr_log_init(struct stderr_log *stderr_log, struct log *log, uint64_t request_id);

/** stderr_log_deinit() - log what is left, though no newline came behind it */
void stderr_log_deinit(struct stderr_log *stderr_log);

/**
 * stderr_log_read() - one read from @fd, and a record for each whole line
 *
 * What is over STDERR_LOG_MAX_BYTES is read and dropped, so that git is never held up by it.
 *
 * Return: as buffer_read().
 */
ssize_t stderr_log_read(struct stderr_log *stderr_log, int fd);
