/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Logs the lines that git writes to its standard error. All bytes are read, because git would block on a full pipe. The
 * number of logged bytes has a bound, so one request cannot fill the log.
 */

#include "serve/stderr_log.h"

void stderr_log_init(struct stderr_log *stderr_log, struct log *log, uint64_t request_id) {
    *stderr_log = (struct stderr_log){.log = log, .request_id = request_id};
    buffer_init(&stderr_log->lines, STDERR_LOG_LINE_BYTES);
}

static void log_line(struct stderr_log *stderr_log, struct span line) {
    if (stderr_log->n_logged > STDERR_LOG_MAX_BYTES || line.size == 0) {
        return;
    }
    stderr_log->n_logged += line.size;
    log_record(stderr_log->log, LOG_LEVEL_INFO, "git says",
               LOG_FIELDS(log_number("id", stderr_log->request_id), log_span("line", line)));
    if (stderr_log->n_logged > STDERR_LOG_MAX_BYTES) {
        log_record(stderr_log->log, LOG_LEVEL_WARNING, "git says too much, the rest is dropped",
                   LOG_FIELDS(log_number("id", stderr_log->request_id)));
    }
}

/* Logs whole lines, and a part of a line that fills the buffer. With @is_end, also logs an unfinished last line. */
static void log_lines(struct stderr_log *stderr_log, bool is_end) {
    struct buffer *lines = &stderr_log->lines;

    while (buffer_size(lines) > 0) {
        struct span content = buffer_content(lines);
        const char *newline = memchr(content.data, '\n', content.size);
        struct span line = {content.data, newline ? (size_t)(newline - content.data) : content.size};

        if (!newline && !is_end && buffer_room(lines) > 0) {
            return;
        }
        log_line(stderr_log, line);
        buffer_consume(lines, newline ? line.size + 1 : line.size);
    }
}

void stderr_log_deinit(struct stderr_log *stderr_log) {
    log_lines(stderr_log, true);
    buffer_deinit(&stderr_log->lines);
}

ssize_t stderr_log_read(struct stderr_log *stderr_log, int fd) {
    ssize_t size = buffer_read(&stderr_log->lines, fd);

    if (size > 0) {
        log_lines(stderr_log, false);
    }
    return size;
}
