/* SPDX-License-Identifier: Apache-2.0 */

/* Owns what the gate itself says over HTTP. A response is appended whole or not at all; nothing is sent from here. */

#include "http/reply.h"

#include <errno.h>

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *reply_reason_phrase(int status) {
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

int reply_append_status(struct buffer *buffer, int status, bool close, time_t now) {
    char date[sizeof("Sun, 06 Nov 1994 08:49:37 GMT")] = "";
    struct tm parts;

    /* RFC 9110, 5.6.7; the program never calls setlocale(3), so the names are English */
    if (!gmtime_r(&now, &parts) || strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0) {
        return -EOVERFLOW;
    }
    return buffer_printf(buffer, "HTTP/1.1 %03d %s\r\nDate: %s\r\n%s", status, reply_reason_phrase(status), date,
                         close ? "Connection: close\r\n" : "");
}

int reply_append_field(struct buffer *buffer, struct span name, struct span value) {
    return buffer_printf(buffer, "%.*s: %.*s\r\n", (int)name.size, name.data, (int)value.size, value.data);
}

/* Behind a sentence about what was wrong with the request itself. */
static const char *advice(int status) {
    switch (status) {
    case 400:
    case 414:
    case 431:
    case 501:
    case 505:
        return "; use a git client, which does not do that";
    case 408:
        return "; try again";
    default:
        return "";
    }
}

static int append_fields(struct buffer *buffer, const struct reply *reply) {
    int r = 0;

    if (reply->allow) {
        r = reply_append_field(buffer, span_of("Allow"), span_of(reply->allow));
    }
    if (!r && reply->status == 401) {
        r = reply_append_field(buffer, span_of("WWW-Authenticate"),
                               span_of("Basic realm=\"git-gate\", charset=\"UTF-8\""));
    }
    if (!r && reply->status == 503) {
        r = buffer_printf(buffer, "Retry-After: %d\r\n", REPLY_RETRY_AFTER_SECONDS);
    }
    if (!r) {
        r = buffer_printf(buffer,
                          "Content-Type: text/plain; charset=utf-8\r\n"
                          "Cache-Control: no-store\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          strlen(reply->sentence) + strlen(advice(reply->status)) + 1);
    }
    return r;
}

int reply_append(struct buffer *buffer, const struct reply *reply) {
    size_t size = buffer_size(buffer);
    int r = reply_append_status(buffer, reply->status, reply->close, reply->now);

    if (!r) {
        r = append_fields(buffer, reply);
    }
    if (!r && !reply->omit_body) {
        r = buffer_printf(buffer, "%s%s\n", reply->sentence, advice(reply->status));
    }
    if (r) {
        buffer->end = buffer->start + size; /* whole or not at all */
    }
    return r;
}

int reply_append_continue(struct buffer *buffer) {
    return buffer_printf(buffer, "HTTP/1.1 100 Continue\r\n\r\n");
}
