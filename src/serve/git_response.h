/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "backend/cgi.h"
#include "base/buffer.h"
#include "base/span.h"

/**
 * struct git_response_form - the parts of a response that the gate decides
 * @is_chunked: send the body in chunks, as for HTTP/1.1; otherwise the body ends with the connection
 * @closes: close the connection after the response
 * @date: from reply_date()
 */
struct git_response_form {
    bool is_chunked;
    bool closes;
    const char *date;
};

/**
 * git_response_append_head() - append the head of a response
 * @cgi: the head of the output, from git-http-backend or from service_append_head()
 *
 * Return: as buffer_append().
 */
int git_response_append_head(struct buffer *wire, const struct git_response_form *form, const struct cgi *cgi);

/**
 * git_response_append() - append a whole response: head, body and end
 * @output: git's whole output, with the CGI head
 *
 * Return: as buffer_append(), or CGI_E_*. On failure nothing is appended.
 */
int git_response_append(struct buffer *wire, const struct git_response_form *form, struct span output);
