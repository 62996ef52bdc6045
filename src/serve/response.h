/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backend/cgi.h"
#include "base/span.h"

struct connection;

/**
 * response_append_head() - put the head of git's answer on the wire
 * @cgi: what git-http-backend has said; the framing and the connection are the gate's own
 *
 * Return: as buffer_append().
 */
int response_append_head(struct connection *connection, const struct cgi *cgi);

/**
 * response_append() - put a whole answer on the wire, head, body and end, as it would have come from git
 * @output: of git-http-backend
 *
 * Return: as buffer_append(), with nothing on the wire that was not there, or CGI_E_*.
 */
int response_append(struct connection *connection, struct span output);
