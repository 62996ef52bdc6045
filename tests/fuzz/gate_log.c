/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a log in the forms that log.h promises. A text record is a time, a level, words, and fields with bare or quoted
 * values. A JSON record is one object of strings and numbers.
 */

#include "gate_log.h"

#include "fuzz.h"

/* ---- parts of a line: each function takes the named part off the front ---- */

static bool take(struct span *restp, const char *text) {
    size_t size = strlen(text);

    if (!fuzz_same(fuzz_prefix(*restp, size), span_of(text))) {
        return false;
    }
    *restp = fuzz_behind(*restp, size);
    return true;
}

/* Takes at least one of the allowed bytes. */
static struct span take_some(struct span *restp, const char *allowed) {
    struct span some = {restp->data, 0};

    while (some.size < restp->size && restp->data[some.size] && strchr(allowed, restp->data[some.size])) {
        some.size++;
    }
    require(some.size > 0);
    *restp = fuzz_behind(*restp, some.size);
    return some;
}

#define DIGITS "0123456789"
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz_"

static void take_time(struct span *restp) {
    static const char pattern[] = "0000-00-00T00:00:00.000Z";

    require(restp->size >= strlen(pattern));
    for (size_t i = 0; i < strlen(pattern); i++) {
        require(pattern[i] == '0' ? strchr(DIGITS, restp->data[i]) != NULL : restp->data[i] == pattern[i]);
    }
    *restp = fuzz_behind(*restp, strlen(pattern));
}

static void take_level(struct span *restp) {
    require(take(restp, "error") || take(restp, "warning") || take(restp, "notice") || take(restp, "info") ||
            take(restp, "debug"));
}

/* With its quotes. */
static struct span take_string(struct span *restp) {
    struct span string = {restp->data, 1};

    require(restp->size > 0 && restp->data[0] == '"');
    while (string.size < restp->size && restp->data[string.size] != '"') {
        string.size += restp->data[string.size] == '\\' ? 2 : 1;
    }
    require(string.size < restp->size);
    string.size++;
    *restp = fuzz_behind(*restp, string.size);
    return string;
}

/* ---- records ---- */

static bool check_json(struct span line) {
    struct span message;

    require(take(&line, "{\"time\":\""));
    take_time(&line);
    require(take(&line, "\",\"level\":\""));
    take_level(&line);
    require(take(&line, "\",\"message\":"));
    message = take_string(&line);
    while (take(&line, ",\"")) {
        (void)take_some(&line, NAME_BYTES);
        require(take(&line, "\":"));
        if (line.size > 0 && line.data[0] == '"') {
            (void)take_string(&line);
        } else {
            (void)take_some(&line, DIGITS);
        }
    }
    require(fuzz_same(line, span_of("}")));
    return fuzz_same(message, span_of("\"request\""));
}

/* The words of a message have no "=", except in messages about options. */
static bool check_text(struct span line) {
    bool is_request;

    take_time(&line);
    require(take(&line, " "));
    take_level(&line);
    require(take(&line, " "));
    is_request = take(&line, "request id=");
    if (!is_request) {
        return false;
    }
    (void)take_some(&line, DIGITS);
    while (line.size > 0) {
        require(take(&line, " "));
        (void)take_some(&line, NAME_BYTES);
        require(take(&line, "="));
        if (line.size > 0 && line.data[0] == '"') {
            (void)take_string(&line);
        } else {
            const void *end = memchr(line.data, ' ', line.size);
            size_t size = end ? (size_t)((const char *)end - line.data) : line.size;

            require(size > 0 && !memchr(line.data, '"', size) && !memchr(line.data, '=', size));
            line = fuzz_behind(line, size);
        }
    }
    return true;
}

size_t gate_log_check(struct span log, bool is_json, const char *const secrets[]) {
    size_t n_requests = 0;

    for (size_t i = 0; secrets[i]; i++) {
        require(log.size == 0 || !memmem(log.data, log.size, secrets[i], strlen(secrets[i])));
    }
    while (log.size > 0) {
        const char *end = memchr(log.data, '\n', log.size);
        struct span line;

        require(end);
        line = fuzz_prefix(log, (size_t)(end - log.data));
        for (size_t i = 0; i < line.size; i++) {
            require(line.data[i] >= ' ' && line.data[i] <= '~');
        }
        n_requests += is_json ? check_json(line) : check_text(line);
        log = fuzz_behind(log, line.size + 1);
    }
    return n_requests;
}
