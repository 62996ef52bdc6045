/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes log records. Whatever bytes it gets, a record is one line of printable ASCII, or one valid JSON object.
 * Writing must not block, change errno, or show a secret.
 */

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"

static_assert(LOG_RECORD_MAX <= PIPE_BUF, "a pipe that is ready to be written must take a whole record");

enum {
    RECORD_TAIL_ROOM = 32, /* kept free for the mark of a cut record, the closing brace and the newline */
};

static const struct {
    const char *name;
    int priority; /* syslog(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3}, [LOG_LEVEL_WARNING] = {"warning", 4}, [LOG_LEVEL_NOTICE] = {"notice", 5},
    [LOG_LEVEL_INFO] = {"info", 6},   [LOG_LEVEL_DEBUG] = {"debug", 7},
};
static_assert(sizeof(levels) / sizeof(levels[0]) == LOG_LEVEL_COUNT, "every level has a name");

/* A record under construction. @overflow: something did not fit. */
struct record {
    char data[LOG_RECORD_MAX];
    size_t size;
    bool overflow;
};

bool log_is_journal(int fd) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];

    if (!stream || fd < 0 || fstat(fd, &status) < 0) {
        return false;
    }
    (void)snprintf(own, sizeof(own), "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

void log_init(struct log *log, int fd, enum log_level level, enum log_format format) {
    struct stat status;

    *log = (struct log){.fd = fd, .level = level, .format = format, .journal = log_is_journal(fd)};
    if (fd >= 0 && fstat(fd, &status) == 0) {
        log->is_socket = S_ISSOCK(status.st_mode);
        log->is_pipe = S_ISFIFO(status.st_mode);
    }
}

void log_reopen(struct log *log) {
    char path[32];
    int fd;

    if (!log->is_pipe) {
        return;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", log->fd);
    fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    log->fd = fd >= 0 ? fd : log->fd;
}

__attribute__((format(printf, 2, 3))) static void record_printf(struct record *record, const char *format, ...) {
    size_t room = sizeof(record->data) - RECORD_TAIL_ROOM - record->size;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(record->data + record->size, room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= room) {
        record->overflow = true;
    } else {
        record->size += (size_t)size;
    }
}

static void record_time(struct record *record) {
    struct timespec now;
    struct tm parts;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    record_printf(record, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                  parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000000);
}

static bool is_plain(char byte) {
    return ascii_is_printable(byte) && byte != ' ' && byte != '"' && byte != '\\' && byte != '=';
}

static void record_escaped(struct record *record, struct span text, enum log_format format) {
    size_t size = text.size < LOG_VALUE_MAX ? text.size : LOG_VALUE_MAX;

    record_printf(record, "\"");
    for (size_t i = 0; i < size; i++) {
        char byte = text.data[i];

        if (byte == '"' || byte == '\\') {
            record_printf(record, "\\%c", byte);
        } else if (ascii_is_printable(byte)) {
            record_printf(record, "%c", byte);
        } else {
            record_printf(record, format == LOG_FORMAT_JSON ? "\\u%04x" : "\\x%02x", (unsigned char)byte);
        }
    }
    record_printf(record, size < text.size ? "...\"" : "\"");
}

static void record_value(struct record *record, struct span text, enum log_format format) {
    bool plain = format == LOG_FORMAT_TEXT && text.size > 0 && text.size <= LOG_VALUE_MAX;

    for (size_t i = 0; plain && i < text.size; i++) {
        plain = is_plain(text.data[i]);
    }
    if (plain) {
        record_printf(record, "%.*s", (int)text.size, text.data);
    } else {
        record_escaped(record, text, format);
    }
}

static bool holds_secret(const struct log *log, struct span text) {
    for (size_t i = 0; i < log->n_secrets; i++) {
        size_t size = log->secrets[i] ? strlen(log->secrets[i]) : 0;

        if (size >= LOG_SECRET_MIN && memmem(text.data, text.size, log->secrets[i], size)) {
            return true;
        }
    }
    return false;
}

static void record_field(struct record *record, const struct log *log, const struct log_field *field) {
    enum log_format format = log->format;

    record_printf(record, format == LOG_FORMAT_JSON ? ",\"%s\":" : " %s=", field->name);
    if (field->text.data) {
        record_value(record, holds_secret(log, field->text) ? span_of("(the token)") : field->text, format);
    } else {
        record_printf(record, "%" PRIu64, field->number);
    }
}

static void record_begin(struct record *record, const struct log *log, enum log_level level, const char *message) {
    if (log->format == LOG_FORMAT_JSON) {
        record_printf(record, "{\"time\":\"");
        record_time(record);
        record_printf(record, "\",\"level\":\"%s\",\"message\":", levels[level].name);
        record_escaped(record, span_of(message), LOG_FORMAT_JSON);
        return;
    }
    if (log->journal) {
        record_printf(record, "<%d>", levels[level].priority);
    } else {
        record_time(record);
        record_printf(record, " %s ", levels[level].name);
    }
    record_printf(record, "%s", message);
}

static void record_fields(struct record *record, const struct log *log, const struct log_field *fields,
                          size_t n_fields) {
    for (size_t i = 0; i < n_fields; i++) {
        size_t before = record->size;

        if (!fields[i].name) {
            continue;
        }
        record_field(record, log, &fields[i]);
        if (record->overflow) {
            record->size = before; /* half a field would break JSON */
            return;
        }
    }
}

static void record_end(struct record *record, enum log_format format) {
    const char *mark = "";

    if (record->overflow) {
        mark = format == LOG_FORMAT_JSON ? ",\"truncated\":1" : " truncated=1";
    }
    record->size += (size_t)snprintf(record->data + record->size, sizeof(record->data) - record->size, "%s%s\n", mark,
                                     format == LOG_FORMAT_JSON ? "}" : "");
}

static bool has_room(int fd) {
    struct pollfd poller = {.fd = fd, .events = POLLOUT};

    return poll(&poller, 1, 0) == 1 && (poller.revents & POLLOUT);
}

/*
 * Other writers to the same descriptor may take the room between poll(2) and this write. So the write to a socket is
 * told not to wait, and to a pipe, too, since Linux 6.4. On older kernels log_reopen() helps. Files never make a write
 * wait, and could refuse one that is told not to.
 */
static ssize_t put(const struct log *log, const char *data, size_t size) {
    struct iovec part = {(void *)data, size};
    ssize_t n_put;

    if (log->is_socket) {
        return send(log->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (!has_room(log->fd)) {
        return -1;
    }
    n_put = log->is_pipe ? pwritev2(log->fd, &part, 1, -1, RWF_NOWAIT) : -1;
    return n_put < 0 && !(log->is_pipe && errno == EAGAIN) ? write(log->fd, data, size) : n_put;
}

void log_record(struct log *log, enum log_level level, const char *message, const struct log_field *fields,
                size_t n_fields) {
    struct record record;
    int saved = errno;

    if (!log_wants(log, level)) {
        return;
    }
    record.size = 0;
    record.overflow = false;
    record_begin(&record, log, level, message);
    record_fields(&record, log, fields, n_fields);
    if (log->dropped > 0 && !record.overflow) {
        record_fields(&record, log, &log_number("dropped_records", log->dropped), 1);
    }
    record_end(&record, log->format);
    if (put(log, record.data, record.size) <= 0) {
        log->dropped++;
    } else if (!record.overflow) { /* with an overflow the count did not fit: the next record has it */
        log->dropped = 0;
    }
    errno = saved;
}
