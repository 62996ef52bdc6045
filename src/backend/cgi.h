/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/span.h"

enum {
    CGI_HEAD_MAX_BYTES = 8 * 1024, /* of a response head; those of git http-backend have about 200 */
    CGI_MAX_FIELDS = 8,            /* fields that are passed on */
};

enum {
    CGI_E_MORE = 1, /* correct so far, but not whole yet */
    CGI_E_NONSENSE, /* no CGI response head: 502 */
};

/**
 * struct cgi - the head of a CGI response
 * @size: bytes of the head in the output, the empty line included
 * @status: of the Status field, 200 when there is none
 * @field: names and values to pass on, within the data that cgi_parse() was given; @n_fields of them
 */
struct cgi {
    size_t size;
    int status;
    size_t n_fields;
    struct {
        struct span name;
        struct span value;
    } field[CGI_MAX_FIELDS];
};

/**
 * cgi_parse() - parse the head of a CGI response (RFC 3875, 6)
 * @output: all that the backend has written so far, from its first byte on
 *
 * Lines end with LF or CRLF. Only the fields listed in cgi.c are passed on, because the gate itself decides about the
 * connection and the framing.
 *
 * Return: 0, CGI_E_MORE, CGI_E_NONSENSE.
 */
int cgi_parse(struct cgi *cgi, struct span output);
