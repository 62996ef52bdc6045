/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses a request head, strictly.
 *
 * The bytes pass the grammar of syntax.c first. llhttp then parses them with every lenient flag off. Both let through
 * some heads that no git client sends. This file refuses these: repeated singleton fields, codings other than chunked,
 * lengths that are not digits, heads that are too large. The verdict does not depend on llhttp's release. The first
 * fault is the verdict; nothing is repaired. A fault of a line is found at the end of that line.
 *
 * It uses no descriptor, no clock and no memory of its own.
 */

#include "http/head.h"

#include <assert.h>

#include "http/body.h"

static_assert(HEAD_MAX_BYTES == 16384 && HEAD_MAX_FIELDS == 64 && HEAD_MAX_TARGET_BYTES == 4096,
              "the sentences below say these numbers");

static const char *const field_names[] = {
    [HEAD_FIELD_HOST] = "host",
    [HEAD_FIELD_AUTHORIZATION] = "authorization",
    [HEAD_FIELD_CONTENT_LENGTH] = "content-length",
    [HEAD_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [HEAD_FIELD_CONTENT_TYPE] = "content-type",
    [HEAD_FIELD_CONTENT_ENCODING] = "content-encoding",
    [HEAD_FIELD_EXPECT] = "expect",
    [HEAD_FIELD_GIT_PROTOCOL] = "git-protocol",
};
static_assert(sizeof(field_names) / sizeof(field_names[0]) == HEAD_FIELD_COUNT, "every field has a name");

/* The fields that git itself sends twice, when its http.extraHeader has one of the same name. */
#define FROM_EXTRA_HEADER(name)                                                                                        \
    name " comes twice; git's own http.extraHeader may add one: 'git config --show-origin --get-regexp "               \
         "extraheader' lists those, and 'git -c http.extraHeader= ...' goes without"

static const char *reason_twice(enum head_field_name name) {
    switch (name) {
    case HEAD_FIELD_AUTHORIZATION:
        return FROM_EXTRA_HEADER("Authorization");
    case HEAD_FIELD_CONTENT_TYPE:
        return FROM_EXTRA_HEADER("Content-Type");
    default:
        return "a header field is there twice, and may be there only once";
    }
}

/* Ends the parse from inside a callback. */
static int refuse(struct head *head, int status, const char *reason) {
    head->status = status;
    head->reason = reason;
    return HPE_USER;
}

/* llhttp delivers a value in as many parts as it was fed in. The parts are adjacent in memory. */
static void piece_extend(struct head *head, struct head_piece *piece, const char *at, size_t size) {
    if (!piece->present) {
        *piece = (struct head_piece){.at = (size_t)(at - head->data), .present = true};
    }
    piece->size = (size_t)(at + size - head->data) - piece->at;
}

static struct span piece_span(const struct head *head, const struct head_piece *piece) {
    return piece->present ? (struct span){head->data + piece->at, piece->size} : (struct span){NULL, 0};
}

/* llhttp also knows the methods of RTSP and Icecast. */
static int on_method_complete(llhttp_t *parser) {
    uint8_t method = llhttp_get_method(parser);

    if (method == HTTP_SOURCE || (method >= HTTP_DESCRIBE && method <= HTTP_FLUSH)) {
        return refuse(parser->data, 501, "the method is unknown");
    }
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    piece_extend(head, &head->target_piece, at, size);
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    piece_extend(head, &head->name_piece, at, size);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    piece_extend(head, &head->value_piece, at, size);
    return 0;
}

/* llhttp strips the white space before a value, but not the white space after it. */
static struct head_piece piece_trim_end(const struct head *head, struct head_piece piece) {
    while (piece.size > 0 && strchr(" \t", head->data[piece.at + piece.size - 1])) {
        piece.size--;
    }
    return piece;
}

/* Whether the white space after a value has a tab. The scan ends at the carriage return of the line at the latest. */
static bool has_tab_behind(const struct head *head, const struct head_piece *piece) {
    const char *at = head->data + piece->at + piece->size;

    while (*at == ' ') {
        at++;
    }
    return *at == '\t';
}

/* Return: whether @text has only digits, and their value in @numberp. */
static bool read_number(uint64_t *numberp, struct span text) {
    *numberp = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(*numberp, 10U, numberp) ||
            __builtin_add_overflow(*numberp, (uint64_t)(text.data[i] - '0'), numberp)) {
            return false;
        }
    }
    return text.size > 0;
}

/* RFC 9110, 4.2.1 and RFC 3986, 3.2: a registered name or an address, and a port; never empty, no user. */
static bool host_is_valid(struct span host) {
    for (size_t i = 0; i < host.size; i++) {
        if (host.data[i] == '\0' ||
            !strchr("-._~!$&'()*+;=%:[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", host.data[i])) {
            return false;
        }
    }
    return host.size > 0;
}

/* Refuses a second field that frames the body, and a field that this request must not have. */
static int check_body(struct head *head) {
    const struct head_piece *coding = &head->field_piece[HEAD_FIELD_TRANSFER_ENCODING];

    if (coding->present && head->field_piece[HEAD_FIELD_CONTENT_LENGTH].present) {
        return refuse(head, 400, "Content-Length stands beside Transfer-Encoding");
    }
    if (coding->present && head->parser.http_minor == 0) {
        return refuse(head, 400, "HTTP/1.0 knows no transfer codings");
    }
    if ((coding->present || head->content_length > 0) && llhttp_get_method(&head->parser) == HTTP_GET) {
        return refuse(head, 400, "a GET has a body");
    }
    return 0;
}

/*
 * Checks a field that frames the body. The grammar allows a tab after the value, as white space. But parsers, even
 * llhttp's releases, differ in that, so it is refused.
 */
static int check_framing(struct head *head, enum head_field_name name, const struct head_piece *piece) {
    struct span value = piece_span(head, piece);

    if (name == HEAD_FIELD_TRANSFER_ENCODING) {
        if (value.size == 0) {
            return refuse(head, 400, "Transfer-Encoding is empty");
        }
        if (!span_equals_nocase(value, "chunked")) {
            return refuse(head, 501, "the transfer coding is something else than chunked");
        }
        if (has_tab_behind(head, piece)) {
            return refuse(head, 400, "Transfer-Encoding has a tab after it");
        }
    } else if (name == HEAD_FIELD_CONTENT_LENGTH &&
               (!read_number(&head->content_length, value) || has_tab_behind(head, piece))) {
        return refuse(head, 400, "Content-Length is not one number");
    }
    return check_body(head);
}

/* RFC 9110, 7.6.1: a list of names; one may be close. */
static bool list_says_close(struct span list) {
    while (list.size > 0) {
        const char *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;
        struct span name = {list.data, size};

        for (; name.size > 0 && strchr(" \t", name.data[0]); name.size--) {
            name.data++;
        }
        while (name.size > 0 && strchr(" \t", name.data[name.size - 1])) {
            name.size--;
        }
        if (span_equals_nocase(name, "close")) {
            return true;
        }
        list.data += comma ? size + 1 : size;
        list.size -= comma ? size + 1 : size;
    }
    return false;
}

static int check_field(struct head *head, enum head_field_name name, const struct head_piece *piece) {
    if (name == HEAD_FIELD_HOST && !host_is_valid(piece_span(head, piece))) {
        return refuse(head, 400, "Host is not a host");
    }
    return name == HEAD_FIELD_TRANSFER_ENCODING || name == HEAD_FIELD_CONTENT_LENGTH ? check_framing(head, name, piece)
                                                                                     : 0;
}

/*
 * Handles the end of a field line. llhttp reports it only with the first byte of the next line, which could be a folded
 * one. The grammar has no folded lines, so head_feed() does not wait for that byte. Return: 0 or HPE_USER.
 */
static int end_field(struct head *head) {
    struct span name = piece_span(head, &head->name_piece);
    struct head_piece value = piece_trim_end(head, head->value_piece);

    if (++head->n_fields > HEAD_MAX_FIELDS) {
        return refuse(head, 431, "there are more than 64 header fields");
    }
    if (span_equals_nocase(name, "connection") && list_says_close(piece_span(head, &value))) {
        head->is_last = true;
    }
    value.present = true; /* even if it is empty */
    for (enum head_field_name i = 0; i < HEAD_FIELD_COUNT; i++) {
        if (!span_equals_nocase(name, field_names[i])) {
            continue;
        }
        if (head->field_piece[i].present) {
            return refuse(head, 400, reason_twice(i));
        }
        head->field_piece[i] = value;
        if (check_field(head, i, &value)) {
            return HPE_USER;
        }
    }
    head->name_piece = head->value_piece = (struct head_piece){0};
    return 0;
}

static int on_header_value_complete(llhttp_t *parser) {
    struct head *head = parser->data;

    if (!head->name_piece.present) {
        head->value_piece = (struct head_piece){0}; /* llhttp reports an empty value after the end of its line */
        return 0;
    }
    return end_field(head);
}

static int on_headers_complete(llhttp_t *parser) {
    struct head *head = parser->data;

    head->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method_complete = on_method_complete,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    BODY_CALLBACKS,
};

void head_init(struct head *head) {
    *head = (struct head){0};
    syntax_init_head(&head->syntax);
    llhttp_init(&head->parser, HTTP_REQUEST, &settings);
    head->parser.data = head;
}

static int refuse_syntax(struct head *head, llhttp_errno_t error) {
    if (head->status == 0) {
        switch (error) {
        case HPE_INVALID_METHOD:
            (void)refuse(head, 501, "the method is unknown"); /* the grammar has passed its bytes */
            break;
        case HPE_INVALID_URL:
            (void)refuse(head, 400, "the request target is neither a path nor an address");
            break;
        case HPE_INVALID_CONTENT_LENGTH:
        case HPE_UNEXPECTED_CONTENT_LENGTH:
            (void)refuse(head, 400, "Content-Length is not one number, or stands beside Transfer-Encoding");
            break;
        case HPE_INVALID_TRANSFER_ENCODING:
            (void)refuse(head, 400, "Transfer-Encoding stands beside Content-Length, or is not chunked");
            break;
        default:
            (void)refuse(head, 400, "a request line or a header field breaks HTTP syntax");
        }
    }
    return HEAD_E_REFUSED;
}

/* The checks that need the whole head. */
static int check_whole(struct head *head) {
    if (head->minor == 1 && !head->field[HEAD_FIELD_HOST].data) {
        return refuse(head, 400, "there is no Host");
    }
    if (head->chunked != ((head->parser.flags & F_CHUNKED) != 0) ||
        head->content_length != head->parser.content_length) {
        return refuse(head, 400, "the framing of the body is not clear"); /* llhttp, which removes it, disagrees */
    }
    return 0;
}

static int finish(struct head *head) {
    llhttp_t *parser = &head->parser;
    uint8_t method = llhttp_get_method(parser);

    head->size = head->n_fed;
    head->method = method == HTTP_GET ? HEAD_METHOD_GET : method == HTTP_POST ? HEAD_METHOD_POST : HEAD_METHOD_OTHER;
    head->method_name = llhttp_method_name((llhttp_method_t)method);
    head->minor = parser->http_minor;
    head->target = piece_span(head, &head->target_piece);
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        head->field[i] = piece_span(head, &head->field_piece[i]);
    }
    head->chunked = head->field[HEAD_FIELD_TRANSFER_ENCODING].data != NULL;
    /* A response to HTTP/1.0 ends with the connection, whatever the client asked for. */
    head->keep_alive = head->minor == 1 && !head->is_last;
    return check_whole(head) == 0 ? 0 : HEAD_E_REFUSED;
}

int head_feed(struct head *head, const char *data, size_t size) {
    size_t limit = size < HEAD_MAX_BYTES ? size : HEAD_MAX_BYTES;
    const char *next = data + head->n_fed;
    size_t n_passed = syntax_pass(&head->syntax, next, limit - head->n_fed);
    llhttp_errno_t error = HPE_OK;

    assert(!head->complete && head->status == 0);
    head->data = data;
    head->n_fed += n_passed;
    if (n_passed > 0) {
        error = llhttp_execute(&head->parser, next, n_passed);
    }
    /* llhttp and the grammar must find the end at the same byte. */
    if (head->complete && error == HPE_PAUSED && head->syntax.state == SYNTAX_COMPLETE &&
        llhttp_get_error_pos(&head->parser) == next + n_passed) {
        return finish(head);
    }
    if (error == HPE_OK && head->syntax.state == SYNTAX_FIELD && head->name_piece.present && end_field(head)) {
        return HEAD_E_REFUSED;
    }
    if (error != HPE_OK || head->syntax.state == SYNTAX_COMPLETE) {
        return refuse_syntax(head, error);
    }
    if (head->syntax.fault) {
        (void)refuse(head, head->syntax.status, head->syntax.fault);
        return HEAD_E_REFUSED;
    }
    if (limit == HEAD_MAX_BYTES) {
        (void)refuse(head, 431, "the request head is larger than 16384 bytes");
        return HEAD_E_REFUSED;
    }
    return HEAD_E_MORE;
}
