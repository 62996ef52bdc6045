/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "backend/cgi.h"
#include "base/buffer.h"
#include "base/span.h"

/**
 * struct response_form - what of a response is the gate's own to say
 * @is_chunked: the body goes out in chunks, as to HTTP/1.1; otherwise it ends with the connection
 * @closes: the connection ends behind it
 * @date: what reply_date() says
 */
struct response_form {
    bool is_chunked;
    bool closes;
    const char *date;
};

/**
 * response_append_head() - append the head of a response
 * @cgi: the head that git-http-backend has written
 *
 * Return: as buffer_append().
 */
int response_append_head(struct buffer *wire, const struct response_form *form, const struct cgi *cgi);

/**
 * response_append() - append a whole response: head, body and end
 * @output: all that git-http-backend has written
 *
 * Return: as buffer_append(), with nothing on the wire that was not there, or CGI_E_*.
 */
int response_append(struct buffer *wire, const struct response_form *form, struct span output);
