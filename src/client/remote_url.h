/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/un.h>

#include "access/route.h"

/**
 * struct remote_url - the parts of gate:///NAME.git?socket=PATH
 * @repository: NAME
 * @socket: PATH; empty when there is none
 * @fault: the fault of an invalid URL, in words that repeat no part of it
 */
struct remote_url {
    char repository[ROUTE_REPOSITORY_MAX_BYTES + 1];
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *fault;
};

enum {
    REMOTE_URL_E_SCHEME = 1, /* it does not begin with gate:// */
    REMOTE_URL_E_HOST,       /* there is text between the second and the third slash, or no third slash */
    REMOTE_URL_E_PATH,       /* the path is neither /NAME.git nor /NAME */
    REMOTE_URL_E_QUERY,      /* the text after "?" is not one socket=PATH, or PATH cannot be a socket's */
};

/**
 * remote_url_parse() - parse a URL
 *
 * Only PATH is percent-decoded. As in URLs of forges, ".git" may be left out. A slash after the name is ignored, as git
 * does. No part of an invalid URL is repeated, since it may contain a token.
 *
 * Return: 0 or REMOTE_URL_E_*.
 */
int remote_url_parse(struct remote_url *url, const char *text);
