/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns what a URL of a gate looks like. It reads a string and fills in values; what it finds wrong it does not repeat,
 * as a token may be in it.
 */

#include "cli/check_url.h"

#include <stdio.h>
#include <string.h>

#include "base/loopback.h"
#include "base/percent.h"

static const char scheme[] = "http://";
static const char repository_end[] = ".git";
static const char default_port[] = ":80";

/* The part before the colon, decoded; empty when there is none. */
static bool take_user(char token[TOKEN_MAX_BYTES + 1], struct span user) {
    const char *colon = memchr(user.data, ':', user.size);
    struct span encoded = {user.data, colon ? (size_t)(colon - user.data) : user.size};
    ssize_t size = percent_decode(token, TOKEN_MAX_BYTES + 1, encoded);

    return size == 0 || (size > 0 && token_is_valid((struct span){token, (size_t)size}));
}

/* What loopback_parse() takes, but for port 0, which nobody listens on. */
static bool take_host(struct check_url *url, struct span host) {
    const char *bracket = memchr(host.data, ']', host.size);
    const char *behind = bracket ? bracket : host.data;
    bool has_port = memchr(behind, ':', host.size - (size_t)(behind - host.data)) != NULL;
    int size =
        snprintf(url->host, sizeof(url->host), "%.*s%s", (int)host.size, host.data, has_port ? "" : default_port);
    const char *port;

    if (size < 0 || size >= (int)sizeof(url->host) || !loopback_parse(url->host, &url->address, &url->address_size)) {
        return false;
    }
    port = strrchr(url->host, ':') + 1;
    return strspn(port, "0") < strlen(port);
}

bool check_url_repository(char name[ROUTE_REPOSITORY_MAX_BYTES + 1], struct span text) {
    const size_t end_size = sizeof(repository_end) - 1;

    if (text.size > end_size && memcmp(text.data + text.size - end_size, repository_end, end_size) == 0) {
        text.size -= end_size;
    }
    if (!route_repository_is_valid(text)) {
        return false;
    }
    memcpy(name, text.data, text.size);
    name[text.size] = '\0';
    return true;
}

/* Nothing, "/", "/REPO.git" or "/REPO.git/", as git takes them. */
static bool take_path(struct check_url *url, struct span path) {
    const size_t end_size = sizeof(repository_end) - 1;

    if (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (path.size == 0) {
        return true;
    }
    return path.data[0] == '/' && path.size > 1 + end_size &&
           memcmp(path.data + path.size - end_size, repository_end, end_size) == 0 &&
           check_url_repository(url->repository, (struct span){path.data + 1, path.size - 1});
}

int check_url_parse(struct check_url *url, const char *text) {
    struct span authority;
    const char *at;

    *url = (struct check_url){0};
    if (strncmp(text, scheme, strlen(scheme)) != 0) {
        return CHECK_URL_E_SCHEME;
    }
    text += strlen(scheme);
    authority = (struct span){text, strcspn(text, "/?#")};
    at = memchr(authority.data, '@', authority.size);
    if (at) {
        struct span user = {authority.data, (size_t)(at - authority.data)};

        if (!take_user(url->token, user)) {
            return CHECK_URL_E_USER;
        }
        authority = (struct span){at + 1, authority.size - user.size - 1};
    }
    if (!take_host(url, authority)) {
        return CHECK_URL_E_HOST;
    }
    return take_path(url, span_of(authority.data + authority.size)) ? 0 : CHECK_URL_E_PATH;
}

void check_url_hide(char *text) {
    char *at = strrchr(text, '@');

    for (; at && text < at; text++) {
        *text = '*';
    }
}
