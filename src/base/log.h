/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum log_level {
    LOG_LEVEL_ERROR,   /* the gate itself is in trouble */
    LOG_LEVEL_WARNING, /* somebody was refused, or a setting is unwise */
    LOG_LEVEL_NOTICE,  /* the gate's own life: started, draining, stopped */
    LOG_LEVEL_INFO,    /* one record a request */
    LOG_LEVEL_DEBUG,   /* details of the routine */
    LOG_LEVEL_COUNT,
};

enum log_format {
    LOG_FORMAT_TEXT, /* TIME LEVEL MESSAGE NAME=VALUE ...; in the journal <PRIORITY>MESSAGE NAME=VALUE ... */
    LOG_FORMAT_JSON, /* one object a line: time, level, message, then the fields; numbers are numbers */
    LOG_FORMAT_COUNT,
};

enum {
    LOG_RECORD_MAX = 4096, /* bytes of one record with its newline: PIPE_BUF, so that a ready pipe takes it whole */
    LOG_VALUE_MAX = 512,   /* bytes shown of one value; "..." ends a value that was cut */
    LOG_SECRET_MIN = 8,    /* bytes of the shortest secret that is masked; ordinary words may contain a shorter one */
};

/**
 * struct log - where records go, and which of them are written
 * @fd: written to, never closed or made non-blocking, since others may share it; -1 drops every record
 * @is_socket, @is_pipe: the kind of @fd, so that a write can be told not to wait
 * @level: the least important level that is written
 * @format: text or JSON
 * @journal: @fd is systemd's journal, which adds the time itself
 * @secrets, @n_secrets: a value that contains a secret is not shown, since a client may put one anywhere. The caller
 *                       owns them, and may change them between two records. A secret may be NULL
 * @dropped: records lost since the last one was written, because nobody read the pipe
 */
struct log {
    int fd;
    enum log_level level;
    enum log_format format;
    bool journal;
    bool is_socket;
    bool is_pipe;
    const char *const *secrets;
    size_t n_secrets;
    uint64_t dropped;
};

/**
 * struct log_field - one name and value of a record
 * @name: a plain word; NULL leaves the field out
 * @text: any bytes, escaped when written; data is NULL for a number
 * @number: the value when @text is absent
 */
struct log_field {
    const char *name;
    struct span text;
    uint64_t number;
};

#define log_number(name_, number_) ((struct log_field){.name = (name_), .number = (uint64_t)(number_)})
#define log_span(name_, span_) ((struct log_field){.name = (name_), .text = (span_)})
#define log_string(name_, string_) log_span((name_), span_of(string_))

/** log_is_journal() - whether @fd is systemd's journal, by JOURNAL_STREAM: systemd.exec(5) */
bool log_is_journal(int fd);

/** log_init() - write to @fd, in the journal's format if it is the journal */
void log_init(struct log *log, int fd, enum log_level level, enum log_format format);

/**
 * log_reopen() - write to the pipe in @log->fd by a file description of the gate's own, which does not block
 *
 * Another program may share the pipe, and fill it after poll(2) has seen room. It also shares the file description, so
 * the gate must not make that one non-blocking. The new descriptor is never closed. So the log must last as long as the
 * process, or as its thread's table of descriptors. @log->fd stays as it is if it is not a pipe, or cannot be opened.
 */
void log_reopen(struct log *log);

static inline bool log_wants(const struct log *log, enum log_level level) {
    return log->fd >= 0 && level <= log->level;
}

/**
 * log_record() - write one record
 * @message: a plain word or sentence of the program's own
 * @fields: @n_fields of them. The first one that does not fit into LOG_RECORD_MAX is left out, with all that follow,
 *          and the record says so
 *
 * Never waits: when the pipe has no room, the record is dropped and counted. The next record that is written has the
 * count. Keeps errno.
 */
void log_record(struct log *log, enum log_level level, const char *message, const struct log_field *fields,
                size_t n_fields);

#define LOG_FIELDS(...)                                                                                                \
    (const struct log_field[]){__VA_ARGS__}, sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

/** log_message() - a record without fields */
static inline void log_message(struct log *log, enum log_level level, const char *message) {
    log_record(log, level, message, NULL, 0);
}
