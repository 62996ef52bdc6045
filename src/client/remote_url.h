/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/un.h>

#include "access/route.h"

/**
 * struct remote_url - the parts of gate:///NAME.git?socket=PATH
 * @repository: NAME
 * @socket: PATH; empty when there is none
 * @fault: of an invalid URL: its fault, in words that repeat no part of it
 */
struct remote_url {
    char repository[ROUTE_REPOSITORY_MAX_BYTES + 1];
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *fault;
};

enum {
    REMOTE_URL_E_SCHEME = 1, /* it does not begin with gate:// */
    REMOTE_URL_E_HOST,       /* something stands between the second and the third slash: a host, or a token */
    REMOTE_URL_E_PATH,       /* what follows is neither /NAME.git nor /NAME */
    REMOTE_URL_E_QUERY,      /* something else than one socket=PATH stands behind "?", or PATH is none of a socket */
};

/**
 * remote_url_parse() - parse a URL
 *
 * Only PATH is percent-decoded. As in URLs of forges, ".git" may be left out. A slash behind the name is ignored, as git does. No part of an invalid URL is repeated,
 * since it may contain a token.
 *
 * Return: 0 or REMOTE_URL_E_*.
 */
int remote_url_parse(struct remote_url *url, const char *text);
