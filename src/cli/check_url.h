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
 * @fault: the fault of an invalid URL, in words that repeat no part of it
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
    CHECK_URL_E_USER,       /* the user, decoded, cannot be a token */
    CHECK_URL_E_HOST,       /* HOST is not on the loopback, or PORT is not a port */
    CHECK_URL_E_PATH,       /* the path is not /REPO.git */
};

/**
 * check_url_parse() - parse a URL
 *
 * HOST is an address in 127.0.0.0/8, [::1] or localhost, which is 127.0.0.1; nothing is resolved. PORT is 80 if there
 * is none. A password that cannot be a token is ignored. Only the user and the password are percent-decoded.
 *
 * Return: 0 or CHECK_URL_E_*.
 */
int check_url_parse(struct check_url *url, const char *text);

/** check_url_repository() - copy the name in @text without ".git" at its end. Return: whether it is a valid name. */
bool check_url_repository(char name[ROUTE_REPOSITORY_MAX_BYTES + 1], struct span text);

/** check_url_hide() - overwrite all bytes of @text that may belong to a token, even if @text is no URL */
void check_url_hide(char *text);
