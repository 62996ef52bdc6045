/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "base/buffer.h"
#include "base/span.h"
#include "http/reason.h"

/**
 * struct reply - a response of the gate's own, about a refusal or a failure. The body is one line of plain text; for
 *                REASON_NO_LFS it is JSON of git-lfs's media type
 * @code: its word goes into the field Gate-Reason, its status into the status line
 * @sentence: for people, without a newline: the fault, a semicolon, and the remedy. Without a remedy, that of its
 *            status is added, such as "use a git client". For JSON, it must have nothing to escape
 * @allow: value of the Allow field, NULL for none
 * @close: the connection ends after it
 * @omit_body: the request was a HEAD
 * @date: of reply_date()
 */
struct reply {
    enum reason code;
    const char *sentence;
    const char *allow;
    bool close;
    bool omit_body;
    const char *date;
};

enum {
    REPLY_MAX_BYTES = 1024,       /* the most room that reply_append() and reply_append_continue() need */
    REPLY_RETRY_AFTER_SECONDS = 5 /* in the Retry-After field of a 503 */
};

/** struct reply_date - the last Date value; all zeros is a valid start */
struct reply_date {
    time_t now;
    char text[sizeof("Sun, 06 Nov 1994 08:49:37 GMT")];
};

/**
 * reply_date() - the value of a Date field (RFC 9110, 5.6.7), formatted at most once a second
 * @now: seconds since the epoch
 *
 * Return: @date's text.
 */
const char *reply_date(struct reply_date *date, time_t now);

/** reply_reason_phrase() - the reason phrase of a status; "Status" for an unknown one */
const char *reply_reason_phrase(int status);

/**
 * reply_append_status() - append the status line and the fields of every response: Date and, with @close, Connection
 *
 * Return: as buffer_append().
 */
int reply_append_status(struct buffer *buffer, int status, bool close, const char *date);

/** reply_append_field() - append a field line; @value must not contain control bytes. Return: as buffer_append(). */
int reply_append_field(struct buffer *buffer, struct span name, struct span value);

/** reply_append() - append a whole response. Return: as buffer_append(). */
int reply_append(struct buffer *buffer, const struct reply *reply);

/** reply_append_continue() - append the interim response that lets the client send its body (RFC 9110, 15.2.1) */
int reply_append_continue(struct buffer *buffer);
