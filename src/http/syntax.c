/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks the bytes of a request against the grammar of RFC 9110 and 9112, before llhttp sees them.
 *
 * llhttp's releases accept different requests: 9.2.0 takes folded lines, 9.4 a tab after Content-Length. With this
 * check the gate's answer is the same with any release. The grammar has
 *
 *   - single spaces in the request line, and HTTP/1.1 or HTTP/1.0 at its end,
 *   - CRLF at the end of each line and nowhere else,
 *   - names of token bytes, and values without control bytes,
 *   - chunk sizes of hexadecimal digits,
 *   - and neither folded lines, nor chunk extensions, nor trailers.
 *
 * This file must not look at a name or a value as a whole: head.c knows what the fields mean.
 */

#include "http/syntax.h"

#include <string.h>

#include "base/ascii.h"
#include "base/hex.h"
#include "http/head_basics.h"

static const char version_text[] = "HTTP/1.";

enum {
    PROTOCOL_SIZE = sizeof("HTTP/") - 1,
    VERSION_SIZE = sizeof("HTTP/1.1") - 1,
};

static bool is_token_byte(unsigned char byte) {
    return ascii_is_alphanumeric(byte) || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_value_byte(unsigned char byte) {
    return (byte >= ' ' && byte != 0x7f) || byte == '\t';
}

static void enter(struct syntax *syntax, enum syntax_state state) {
    syntax->state = state;
    syntax->n_seen = 0;
}

/* Each step below takes one byte, or returns a sentence about its fault and changes nothing. */

static const char *step_method(struct syntax *syntax, unsigned char byte) {
    if (is_token_byte(byte)) {
        syntax->n_seen++;
    } else if (byte == ' ' && syntax->n_seen > 0) {
        enter(syntax, SYNTAX_TARGET);
    } else if (syntax->n_seen == 0 && (byte == '\r' || byte == '\n')) {
        return "there is an empty line before the request line";
    } else {
        return "the request does not begin with a method";
    }
    return NULL;
}

static const char *step_target(struct syntax *syntax, unsigned char byte) {
    if (byte > ' ' && byte < 0x7f) {
        if (syntax->n_seen == HEAD_MAX_TARGET_BYTES) {
            syntax->status = 414;
            return "the request target is longer than 4096 bytes";
        }
        syntax->n_seen++;
    } else if (syntax->n_seen == 0) {
        return "method and target are not separated by exactly one space";
    } else if (byte == ' ') {
        enter(syntax, SYNTAX_VERSION);
    } else if (byte == '\r' || byte == '\n') {
        return "the request line has no version";
    } else {
        return "the request target has a byte that is not allowed there";
    }
    return NULL;
}

static bool is_version_byte(size_t at, unsigned char byte) {
    return at < VERSION_SIZE - 1 ? byte == (unsigned char)version_text[at]
                                 : at == VERSION_SIZE - 1 && (byte == '0' || byte == '1');
}

/* Any other printable text after "HTTP/", even none, counts as another version. */
static const char *step_version(struct syntax *syntax, unsigned char byte) {
    size_t at = syntax->n_seen;

    if (byte == '\r' && at == VERSION_SIZE) {
        enter(syntax, SYNTAX_LINE_END);
    } else if (is_version_byte(at, byte)) {
        syntax->n_seen++;
    } else if (byte == ' ' && at == 0) {
        return "target and version are not separated by exactly one space";
    } else if (at == VERSION_SIZE) {
        return "the request line does not end after the version";
    } else if (at >= PROTOCOL_SIZE && byte < 0x7f && (byte >= ' ' || byte == '\r')) {
        syntax->status = 505;
        return "the version is neither HTTP/1.1 nor HTTP/1.0";
    } else {
        return "the request line does not end in a version";
    }
    return NULL;
}

static const char *step_field(struct syntax *syntax, unsigned char byte) {
    if (is_token_byte(byte)) {
        enter(syntax, SYNTAX_NAME);
    } else if (byte == '\r') {
        enter(syntax, SYNTAX_HEAD_END);
    } else if (byte == ' ' || byte == '\t') {
        return "a header field is folded, or white space stands before its name";
    } else {
        return "the name of a header field has a byte that is not allowed there";
    }
    return NULL;
}

static const char *step_name(struct syntax *syntax, unsigned char byte) {
    if (byte == ':') {
        enter(syntax, SYNTAX_VALUE);
    } else if (!is_token_byte(byte)) {
        return "the name of a header field has a byte that is not allowed there";
    }
    return NULL;
}

static const char *step_value(struct syntax *syntax, unsigned char byte) {
    if (byte == '\r') {
        enter(syntax, SYNTAX_LINE_END);
    } else if (!is_value_byte(byte)) {
        return "the value of a header field has a byte that is not allowed there";
    }
    return NULL;
}

static const char *step_size(struct syntax *syntax, unsigned char byte) {
    int value = hex_value((char)byte);

    if (value >= 0) {
        if (syntax->n_left >> 60) {
            return "the size of a chunk does not fit";
        }
        syntax->n_left = syntax->n_left << 4 | (uint64_t)value;
        syntax->n_seen++;
    } else if (byte == '\r' && syntax->n_seen > 0) {
        enter(syntax, SYNTAX_SIZE_END);
    } else if (byte == ';') {
        return "a chunk has an extension";
    } else {
        return "the chunked framing of the body is broken";
    }
    return NULL;
}

static const char *step_last(struct syntax *syntax, unsigned char byte) {
    if (byte != '\r') {
        return is_token_byte(byte) ? "the body has a trailer" : "the chunked framing of the body is broken";
    }
    enter(syntax, SYNTAX_LAST_END);
    return NULL;
}

/* Takes one fixed byte. */
static const char *step_fixed(struct syntax *syntax, unsigned char byte, char expected, enum syntax_state next) {
    if (byte != (unsigned char)expected) {
        return syntax->state <= SYNTAX_HEAD_END ? "a carriage return has no line feed after it"
                                                : "the chunked framing of the body is broken";
    }
    enter(syntax, next);
    return NULL;
}

static const char *step(struct syntax *syntax, unsigned char byte) {
    switch (syntax->state) {
    case SYNTAX_METHOD:
        return step_method(syntax, byte);
    case SYNTAX_TARGET:
        return step_target(syntax, byte);
    case SYNTAX_VERSION:
        return step_version(syntax, byte);
    case SYNTAX_LINE_END:
        return step_fixed(syntax, byte, '\n', SYNTAX_FIELD);
    case SYNTAX_FIELD:
        return step_field(syntax, byte);
    case SYNTAX_NAME:
        return step_name(syntax, byte);
    case SYNTAX_VALUE:
        return step_value(syntax, byte);
    case SYNTAX_HEAD_END:
        return step_fixed(syntax, byte, '\n', SYNTAX_COMPLETE);
    case SYNTAX_SIZE:
        return step_size(syntax, byte);
    case SYNTAX_SIZE_END:
        return step_fixed(syntax, byte, '\n', syntax->n_left > 0 ? SYNTAX_DATA : SYNTAX_LAST);
    case SYNTAX_DATA_CR:
        return step_fixed(syntax, byte, '\r', SYNTAX_DATA_LF);
    case SYNTAX_DATA_LF:
        return step_fixed(syntax, byte, '\n', SYNTAX_SIZE);
    case SYNTAX_LAST:
        return step_last(syntax, byte);
    case SYNTAX_LAST_END:
        return step_fixed(syntax, byte, '\n', SYNTAX_COMPLETE);
    case SYNTAX_DATA:
    case SYNTAX_COMPLETE:
        break;
    }
    return NULL;
}

static size_t pass_data(struct syntax *syntax, size_t size) {
    size_t n = size < syntax->n_left ? size : (size_t)syntax->n_left;

    syntax->n_left -= n;
    if (syntax->n_left == 0) {
        enter(syntax, syntax->is_chunked ? SYNTAX_DATA_CR : SYNTAX_COMPLETE);
    }
    return n;
}

void syntax_init_head(struct syntax *syntax) {
    *syntax = (struct syntax){.state = SYNTAX_METHOD, .status = 400};
}

void syntax_init_body(struct syntax *syntax, bool is_chunked, uint64_t content_length) {
    *syntax = (struct syntax){.status = 400, .is_chunked = is_chunked, .n_left = is_chunked ? 0 : content_length};
    enter(syntax, is_chunked ? SYNTAX_SIZE : content_length > 0 ? SYNTAX_DATA : SYNTAX_COMPLETE);
}

size_t syntax_pass(struct syntax *syntax, const char *data, size_t size) {
    size_t n = 0;

    while (n < size && syntax->state != SYNTAX_COMPLETE) {
        bool is_chunk_end = syntax->state == SYNTAX_DATA_LF;

        if (syntax->state == SYNTAX_DATA) {
            n += pass_data(syntax, size - n);
            continue;
        }
        syntax->fault = step(syntax, (unsigned char)data[n]);
        if (syntax->fault) {
            return n;
        }
        n++;
        if (is_chunk_end) {
            return n;
        }
    }
    return n;
}
