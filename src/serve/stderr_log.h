/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/log.h"

enum {
    STDERR_LOG_LINE_BYTES = 1024,     /* of one record; a longer line becomes several */
    STDERR_LOG_MAX_BYTES = 16 * 1024, /* logged for one request */
};

/**
 * struct stderr_log - turns git's standard error into records
 * @log: receives the records
 * @request_id: the request that git serves
 */
struct stderr_log {
    struct log *log;
    uint64_t request_id;

    /* the rest is private to stderr_log.c */
    struct buffer lines;
    size_t n_logged;
};

/** stderr_log_init() - begin without lines; @log is kept by the caller until stderr_log_deinit() */
void stderr_log_init(struct stderr_log *stderr_log, struct log *log, uint64_t request_id);

/** stderr_log_deinit() - log the rest, even without a newline */
void stderr_log_deinit(struct stderr_log *stderr_log);

/**
 * stderr_log_read() - read once from @fd, and log each whole line
 *
 * Lines beyond STDERR_LOG_MAX_BYTES are read and dropped, so that git never blocks.
 *
 * Return: as buffer_read().
 */
ssize_t stderr_log_read(struct stderr_log *stderr_log, int fd);
