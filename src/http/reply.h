/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "base/buffer.h"
#include "base/span.h"

/**
 * struct reply - a response of the gate's own: a refusal or a failure, one line of plain text
 * @status: of RFC 9110, one that reply_reason_phrase() knows
 * @sentence: for people, without newline: what is wrong and what to do about it
 * @allow: value of the Allow field, NULL for none
 * @close: the connection ends behind it
 * @omit_body: the request was a HEAD
 * @date: what reply_date() says
 */
struct reply {
    int status;
    const char *sentence;
    const char *allow;
    bool close;
    bool omit_body;
    const char *date;
};

enum {
    REPLY_MAX_BYTES = 1024,       /* room that reply_append() and reply_append_continue() need at the most */
    REPLY_RETRY_AFTER_SECONDS = 5 /* in the Retry-After field of a 503 */
};

/** struct reply_date - the time as it was last written; zeros are 1970, and fine */
struct reply_date {
    time_t now;
    char text[sizeof("Sun, 06 Nov 1994 08:49:37 GMT")];
};

/**
 * reply_date() - the value of a Date field (RFC 9110, 5.6.7), which is made anew once in a second
 * @now: seconds since the epoch
 *
 * Return: @date's text.
 */
const char *reply_date(struct reply_date *date, time_t now);

/** reply_reason_phrase() - what stands behind the code in the status line; "Status" for a code it does not know */
const char *reply_reason_phrase(int status);

/**
 * reply_append_status() - append the status line and the fields that each response has: Date and, on demand, Connection
 *
 * Return: as buffer_append().
 */
int reply_append_status(struct buffer *buffer, int status, bool close, const char *date);

/** reply_append_field() - append a field line; @value is known to hold no control bytes. Return: as buffer_append(). */
int reply_append_field(struct buffer *buffer, struct span name, struct span value);

/** reply_append() - append a whole response. Return: as buffer_append(). */
int reply_append(struct buffer *buffer, const struct reply *reply);

/** reply_append_continue() - append the interim response that lets the client send its body (RFC 9110, 15.2.1) */
int reply_append_continue(struct buffer *buffer);
