/* SPDX-License-Identifier: Apache-2.0 */

/* Composes the gate's own responses. Each is appended whole or not at all; nothing is sent from here. */

#include "http/reply.h"

#include <assert.h>

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

const char *reply_date(struct reply_date *date, time_t now) {
    struct tm parts;

    /*
     * The program never calls setlocale(3), so the names are English. A year of five digits does not fit: the old text
     * stays.
     */
    if ((now != date->now || !date->text[0]) && gmtime_r(&now, &parts) &&
        strftime(date->text, sizeof(date->text), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0) {
        date->now = now;
    }
    return date->text;
}

int reply_append_status(struct buffer *buffer, int status, bool close, const char *date) {
    const char code[] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10),
                         '\0'};

    return buffer_append_all(buffer, "HTTP/1.1 ", code, " ", reply_reason_phrase(status), "\r\nDate: ", date, "\r\n",
                             close ? "Connection: close\r\n" : "");
}

int reply_append_field(struct buffer *buffer, struct span name, struct span value) {
    const size_t before = buffer_size(buffer);
    int r = buffer_append(buffer, name.data, name.size);

    r = r ? r : buffer_append(buffer, ": ", 2);
    r = r ? r : buffer_append(buffer, value.data, value.size);
    r = r ? r : buffer_append(buffer, "\r\n", 2);
    if (r) {
        buffer_truncate(buffer, before);
    }
    return r;
}

/* Return: what to append to the sentence about a faulty request. After a semicolon a sentence has advice of its own. */
static const char *advice(const struct reply *reply) {
    if (strchr(reply->sentence, ';')) {
        return "";
    }
    switch (reason_status(reply->code)) {
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

/* Writes @number in decimal. @text has room for the longest number and its terminator. */
static const char *number_text(char text[24], size_t number) {
    char *at = text + 23;

    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return at;
}

/* The bytes around a sentence in a body, and the body's media type. */
struct form {
    const char *type;
    const char *before;
    const char *behind;
};

/* For git-lfs, which shows the message of an object of its own media type alone; for all others, one line of text. */
static const struct form *form_of(enum reason code) {
    static const struct form text = {"text/plain; charset=utf-8", "", "\n"};
    static const struct form lfs = {"application/vnd.git-lfs+json", "{\"message\":\"", "\"}\n"};

    return code == REASON_NO_LFS ? &lfs : &text;
}

static int append_fields(struct buffer *buffer, const struct reply *reply, const struct form *form) {
    const int status = reason_status(reply->code);
    size_t body_size = strlen(form->before) + strlen(reply->sentence) + strlen(advice(reply)) + strlen(form->behind);
    char length[24];
    int r = reply_append_field(buffer, span_of(reason_field), span_of(reason_word(reply->code)));

    if (!r && reply->allow) {
        r = reply_append_field(buffer, span_of("Allow"), span_of(reply->allow));
    }
    if (!r && status == 401) {
        r = buffer_append_all(buffer, "WWW-Authenticate: Basic realm=\"git-gate\", charset=\"UTF-8\"\r\n");
    }
    if (!r && status == 503) {
        r = buffer_printf(buffer, "Retry-After: %d\r\n", REPLY_RETRY_AFTER_SECONDS);
    }
    return r ? r
             : buffer_append_all(buffer, "Content-Type: ", form->type,
                                 "\r\nCache-Control: no-store\r\nContent-Length: ", number_text(length, body_size),
                                 "\r\n\r\n");
}

int reply_append(struct buffer *buffer, const struct reply *reply) {
    const size_t before = buffer_size(buffer);
    const struct form *form = form_of(reply->code);
    int r = reply_append_status(buffer, reason_status(reply->code), reply->close, reply->date);

    assert(!*form->before || !strpbrk(reply->sentence, "\"\\")); /* nothing has to be escaped */
    r = r ? r : append_fields(buffer, reply, form);
    if (!r && !reply->omit_body) {
        r = buffer_append_all(buffer, form->before, reply->sentence, advice(reply), form->behind);
    }
    if (r) {
        buffer_truncate(buffer, before); /* whole or not at all */
    }
    return r;
}

int reply_append_continue(struct buffer *buffer) {
    return buffer_append_all(buffer, "HTTP/1.1 100 Continue\r\n\r\n");
}
