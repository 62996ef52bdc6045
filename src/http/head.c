/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns what a request head may look like. llhttp parses it with every lenient flag off; this file adds what llhttp lets
 * through and a git client never sends: more than one space in the request line, empty lines before it, versions other
 * than 1.0 and 1.1, repeated singletons, codings other than chunked, and any size. It reads bytes and fills in values:
 * no descriptor, no clock, no memory of its own. The first fault is the verdict, and nothing is repaired.
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

/* Ends the parse from inside of a callback. */
static int refuse(struct head *head, int status, const char *reason) {
    head->status = status;
    head->reason = reason;
    return HPE_USER;
}

/* llhttp hands a piece over in as many parts as it was fed in; they lie next to each other. */
static void piece_extend(struct head *head, struct head_piece *piece, const char *at, size_t size) {
    if (!piece->present) {
        *piece = (struct head_piece){.at = (size_t)(at - head->data), .present = true};
    }
    piece->size = (size_t)(at + size - head->data) - piece->at;
}

static struct span piece_span(const struct head *head, const struct head_piece *piece) {
    return piece->present ? (struct span){head->data + piece->at, piece->size} : (struct span){NULL, 0};
}

/* The offset that comes next in a request line without superfluous bytes. */
static bool piece_is_at(const struct head *head, const char *at, const struct head_piece *piece, size_t expected) {
    return piece->present || (size_t)(at - head->data) == expected;
}

static int on_method(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    if (head->method_size == 0 && at != head->data) {
        return refuse(head, 400, "there are bytes before the request line");
    }
    head->method_size += size;
    return 0;
}

/* llhttp knows the methods of RTSP and of Icecast too. */
static int on_method_complete(llhttp_t *parser) {
    uint8_t method = llhttp_get_method(parser);

    if (method == HTTP_SOURCE || (method >= HTTP_DESCRIBE && method <= HTTP_FLUSH)) {
        return refuse(parser->data, 501, "the method is unknown");
    }
    return 0;
}

static int refuse_long_target(struct head *head) {
    return refuse(head, 414, "the request target is longer than 4096 bytes");
}

static int on_url(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    if (!piece_is_at(head, at, &head->target_piece, head->method_size + 1)) {
        return refuse(head, 400, "method and target are not separated by exactly one space");
    }
    piece_extend(head, &head->target_piece, at, size);
    if (head->target_piece.size > HEAD_MAX_TARGET_BYTES) {
        return refuse_long_target(head);
    }
    return 0;
}

static int on_version(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;
    size_t target_end = head->target_piece.at + head->target_piece.size;

    if (!piece_is_at(head, at, &head->version_piece, target_end + strlen(" HTTP/"))) {
        return refuse(head, 400, "target and version are not separated by exactly one space");
    }
    piece_extend(head, &head->version_piece, at, size);
    return 0;
}

static int on_version_complete(llhttp_t *parser) {
    struct head *head = parser->data;

    if (head->version_piece.size == 0 || memcmp(head->data + head->version_piece.at - 5, "HTTP/", 5) != 0 ||
        parser->http_major != 1 || parser->http_minor > 1) {
        return refuse(head, 505, "the version is neither HTTP/1.1 nor HTTP/1.0");
    }
    head->version_is_good = true;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    if (head->complete) {
        return refuse(head, 400, "the body has a trailer");
    }
    piece_extend(head, &head->name_piece, at, size);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t size) {
    struct head *head = parser->data;

    piece_extend(head, &head->value_piece, at, size);
    return 0;
}

/* llhttp leaves out the white space in front of a value, and not that behind it. */
static struct head_piece piece_trim_end(const struct head *head, struct head_piece piece) {
    while (piece.size > 0 && strchr(" \t", head->data[piece.at + piece.size - 1])) {
        piece.size--;
    }
    return piece;
}

static int on_header_value_complete(llhttp_t *parser) {
    struct head *head = parser->data;
    struct span name = piece_span(head, &head->name_piece);
    struct head_piece value = head->value_piece;

    if (++head->n_fields > HEAD_MAX_FIELDS) {
        return refuse(head, 431, "there are more than 64 header fields");
    }
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        if (!span_equals_nocase(name, field_names[i])) {
            continue;
        }
        if (head->field_piece[i].present) {
            return refuse(head, 400, "a header field that may stand once is there twice");
        }
        head->field_piece[i] = piece_trim_end(head, value);
        head->field_piece[i].present = true; /* an empty value is there all the same */
        if (i == HEAD_FIELD_TRANSFER_ENCODING &&
            !span_equals_nocase(piece_span(head, &head->field_piece[i]), "chunked")) {
            return refuse(head, 501, "the transfer coding is not chunked alone");
        }
    }
    head->name_piece = head->value_piece = (struct head_piece){0};
    return 0;
}

static int on_headers_complete(llhttp_t *parser) {
    struct head *head = parser->data;

    if (!head->version_is_good) { /* llhttp takes a request line without one for HTTP/0.9 */
        return refuse(head, 400, "the request line has no version");
    }
    head->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_method_complete = on_method_complete,
    .on_url = on_url,
    .on_version = on_version,
    .on_version_complete = on_version_complete,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    BODY_CALLBACKS,
};

void head_init(struct head *head) {
    *head = (struct head){0};
    llhttp_init(&head->parser, HTTP_REQUEST, &settings);
    head->parser.data = head;
}

static bool is_token_byte(char byte) {
    return byte != '\0' &&
           strchr("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", byte);
}

/* A word that is no method asks for something unknown; anything else is no HTTP at all. */
static int refuse_method(struct head *head) {
    const char *at = llhttp_get_error_pos(&head->parser);

    /* What is before the fault is the beginning of a known method; a shorter word ends in a space. */
    if (is_token_byte(*at) || (*at == ' ' && at > head->data)) {
        return refuse(head, 501, "the method is unknown");
    }
    return refuse(head, 400, "the request does not begin with a method");
}

/* What stands before the fault was not handed over, when it came in the same piece, so it has not been looked at yet. */
static int refuse_target(struct head *head) {
    const char *target = head->data + head->method_size + 1;

    if (*target != ' ' && llhttp_get_error_pos(&head->parser) - target > HEAD_MAX_TARGET_BYTES) {
        return refuse_long_target(head);
    }
    return refuse(head, 400, "the request target holds a byte that must not be there");
}

static int refuse_syntax(struct head *head, llhttp_errno_t error) {
    if (head->status == 0) {
        switch (error) {
        case HPE_INVALID_METHOD:
            (void)refuse_method(head);
            break;
        case HPE_INVALID_VERSION:
        case HPE_PAUSED_H2_UPGRADE:
            if (head->version_is_good) {
                (void)refuse(head, 400, "the request line does not end behind the version");
            } else {
                (void)refuse(head, 505, "the version is neither HTTP/1.1 nor HTTP/1.0");
            }
            break;
        case HPE_INVALID_URL:
            (void)refuse_target(head);
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

/* What can be said only about the whole head. */
static int check_whole(struct head *head) {
    if (head->minor == 1 && !head->field[HEAD_FIELD_HOST].data) {
        return refuse(head, 400, "there is no Host");
    }
    if (head->field[HEAD_FIELD_HOST].data && !host_is_valid(head->field[HEAD_FIELD_HOST])) {
        return refuse(head, 400, "Host is not a host");
    }
    if (head->chunked && head->field[HEAD_FIELD_CONTENT_LENGTH].data) {
        return refuse(head, 400, "Content-Length stands beside Transfer-Encoding");
    }
    if (head->chunked && !(head->parser.flags & F_CHUNKED)) {
        return refuse(head, 400, "Transfer-Encoding is not chunked alone"); /* a tab behind it, to llhttp */
    }
    if (head->chunked && head->minor == 0) {
        return refuse(head, 400, "HTTP/1.0 knows no transfer codings");
    }
    if (head_has_body(head) && head->method == HEAD_METHOD_GET) {
        return refuse(head, 400, "a GET has a body");
    }
    return 0;
}

static int finish(struct head *head) {
    llhttp_t *parser = &head->parser;
    uint8_t method = llhttp_get_method(parser);

    head->size = (size_t)(llhttp_get_error_pos(parser) - head->data);
    head->method = method == HTTP_GET ? HEAD_METHOD_GET : method == HTTP_POST ? HEAD_METHOD_POST : HEAD_METHOD_OTHER;
    head->method_name = llhttp_method_name((llhttp_method_t)method);
    head->minor = parser->http_minor;
    head->target = piece_span(head, &head->target_piece);
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        head->field[i] = piece_span(head, &head->field_piece[i]);
    }
    head->chunked = head->field[HEAD_FIELD_TRANSFER_ENCODING].data != NULL;
    head->content_length = head->chunked ? 0 : parser->content_length;
    /* An answer to HTTP/1.0 ends with the connection, whatever its client wishes. */
    head->keep_alive = head->minor == 1 && llhttp_should_keep_alive(parser);
    return check_whole(head) == 0 ? 0 : HEAD_E_REFUSED;
}

int head_feed(struct head *head, const char *data, size_t size) {
    size_t limit = size < HEAD_MAX_BYTES ? size : HEAD_MAX_BYTES;
    llhttp_errno_t error;

    assert(!head->complete && head->status == 0);
    head->data = data;
    if (head->n_fed == 0 && size > 0 && (data[0] == '\r' || data[0] == '\n')) {
        (void)refuse(head, 400, "there is an empty line before the request line"); /* llhttp skips them */
        return HEAD_E_REFUSED;
    }
    error = llhttp_execute(&head->parser, data + head->n_fed, limit - head->n_fed);
    head->n_fed = limit;
    if (head->complete && error == HPE_PAUSED) {
        return finish(head);
    }
    if (error != HPE_OK) {
        return refuse_syntax(head, error);
    }
    if (limit == HEAD_MAX_BYTES) {
        (void)refuse(head, 431, "the request head is larger than 16384 bytes");
        return HEAD_E_REFUSED;
    }
    return HEAD_E_MORE;
}
