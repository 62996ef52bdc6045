/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>

#include "access/route.h"
#include "access/token.h"

enum {
    CHECK_URL_HOST_MAX = 64, /* of HOST:PORT, with terminator */
};

/**
 * struct check_url - the parts of http://USER:PASSWORD@HOST:PORT/REPO.git
 * @host: HOST:PORT
 * @user, @password: empty when there is none; either may be the token
 * @repository: without ".git", empty when there is none
 * @fault: of a URL that is none: what is wrong with it, in words that repeat none of it
 */
struct check_url {
    char host[CHECK_URL_HOST_MAX];
    struct sockaddr_storage address;
    socklen_t address_size;
    char user[TOKEN_MAX_BYTES + 1];
    char password[TOKEN_MAX_BYTES + 1];
    char repository[ROUTE_REPOSITORY_MAX_BYTES + 1];
    const char *fault;
};

enum {
    CHECK_URL_E_SCHEME = 1, /* it does not begin with http:// */
    CHECK_URL_E_USER,       /* the user, decoded, is no token */
    CHECK_URL_E_HOST,       /* HOST is not on the loopback, or PORT is none */
    CHECK_URL_E_PATH,       /* something else than /REPO.git stands behind */
};

/**
 * check_url_parse() - take a URL apart
 *
 * HOST is an address in 127.0.0.0/8, [::1] or localhost, which is 127.0.0.1; nothing is resolved. PORT is 80 when there
 * is none. A password that cannot be a token is passed over. Percent-encoding is undone in user and password alone.
 *
 * Return: 0 or CHECK_URL_E_*.
 */
int check_url_parse(struct check_url *url, const char *text);

/** check_url_repository() - copy the name in @text, which may end in ".git", without it. Return: whether it is one. */
bool check_url_repository(char name[ROUTE_REPOSITORY_MAX_BYTES + 1], struct span text);

/** check_url_hide() - overwrite all in @text that may be a token, whatever @text is */
void check_url_hide(char *text);
