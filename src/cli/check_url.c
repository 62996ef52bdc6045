/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses the http:// URL of a gate. It reads a string and fills in values. A fault must not repeat any part of the URL,
 * which may be a token.
 */

#include "cli/check_url.h"

#include <stdio.h>
#include <string.h>

#include "base/loopback.h"
#include "base/percent.h"

static const char scheme[] = "http://";
static const char repository_end[] = ".git";
static const char default_port[] = ":80";

/* Return: whether @encoded is empty or, decoded, may be a token. */
static bool take_part(char part[TOKEN_MAX_BYTES + 1], struct span encoded) {
    ssize_t size = percent_decode(part, TOKEN_MAX_BYTES + 1, encoded);

    return size == 0 || (size > 0 && token_is_valid((struct span){part, (size_t)size}));
}

/* Return: whether the user may be a token or a name; a password that cannot be a token is ignored. */
static bool take_user(struct check_url *url, struct span text) {
    const char *colon = memchr(text.data, ':', text.size);
    struct span user = {text.data, colon ? (size_t)(colon - text.data) : text.size};

    if (colon && !take_part(url->password, (struct span){colon + 1, text.size - user.size - 1})) {
        url->password[0] = '\0';
    }
    return take_part(url->user, user);
}

static int refuse(struct check_url *url, int code, const char *fault) {
    url->fault = fault;
    return code;
}

static int refuse_scheme(struct check_url *url, const char *text) {
    static const struct {
        const char *beginning;
        const char *fault;
    } others[] = {
        {"https://", "it begins with https://, and a gate speaks no TLS"},
        {"gate://", "it begins with gate://, which is for git; give --repo=NAME, and the socket by --socket=PATH"},
        {"unix:", "it is the path of a socket, which goes with --socket=PATH"},
        {"/", "it is the path of a socket, which goes with --socket=PATH"},
        {"", "it does not begin with http://"}, /* matches every text */
    };
    size_t i = 0;

    while (strncmp(text, others[i].beginning, strlen(others[i].beginning)) != 0) {
        i++;
    }
    return refuse(url, CHECK_URL_E_SCHEME, others[i].fault);
}

static const char bad_port[] = "its port is not a number from 1 to 65535";

/* Takes what loopback_parse() does, except for port 0, on which nobody listens. */
static int take_host(struct check_url *url, struct span host) {
    const char *bracket = memchr(host.data, ']', host.size);
    const char *behind = bracket ? bracket : host.data;
    const char *colon = memchr(behind, ':', host.size - (size_t)(behind - host.data));
    size_t host_size = colon ? (size_t)(colon - host.data) : host.size;
    int size = snprintf(url->host, sizeof(url->host), "%.*s%s", (int)host_size, host.data, default_port);
    const char *port;

    if (host.size == 0) {
        return refuse(url, CHECK_URL_E_HOST, "there is no host after http://");
    }
    if (size < 0 || size >= (int)sizeof(url->host) || !loopback_parse(url->host, &url->address, &url->address_size)) {
        return refuse(url, CHECK_URL_E_HOST, "its host is not an address of the loopback");
    }
    if (!colon) {
        return 0;
    }
    size = snprintf(url->host, sizeof(url->host), "%.*s", (int)host.size, host.data);
    if (size < 0 || size >= (int)sizeof(url->host) || !loopback_parse(url->host, &url->address, &url->address_size)) {
        return refuse(url, CHECK_URL_E_HOST, bad_port);
    }
    port = strrchr(url->host, ':') + 1;
    return strspn(port, "0") < strlen(port) ? 0 : refuse(url, CHECK_URL_E_HOST, bad_port);
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

/* Takes nothing, "/", "/REPO.git" or "/REPO.git/", as git does. */
static int take_path(struct check_url *url, struct span path) {
    const char *fault;

    if (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (path.size == 0) {
        return 0;
    }
    if (memchr(path.data, '?', path.size) || memchr(path.data, '#', path.size)) {
        return refuse(url, CHECK_URL_E_PATH, "it has a '?' or a '#', and nothing may follow /NAME.git");
    }
    fault = route_folder_fault((struct span){path.data + 1, path.size - 1});
    if (fault) {
        return refuse(url, CHECK_URL_E_PATH, fault);
    }
    (void)check_url_repository(url->repository, (struct span){path.data + 1, path.size - 1});
    return 0;
}

int check_url_parse(struct check_url *url, const char *text) {
    struct span authority;
    const char *at;
    int r;

    *url = (struct check_url){0};
    if (strncmp(text, scheme, strlen(scheme)) != 0) {
        return refuse_scheme(url, text);
    }
    text += strlen(scheme);
    authority = (struct span){text, strcspn(text, "/?#")};
    at = memchr(authority.data, '@', authority.size);
    if (at) {
        struct span user = {authority.data, (size_t)(at - authority.data)};

        if (!take_user(url, user)) {
            return refuse(
                url, CHECK_URL_E_USER,
                "its user part is not a token or a name of 1 to 255 printable ASCII characters without space and "
                "colon, percent-encoded; in --token-file nothing is encoded");
        }
        authority = (struct span){at + 1, authority.size - user.size - 1};
    }
    r = take_host(url, authority);
    return r ? r : take_path(url, span_of(authority.data + authority.size));
}

void check_url_hide(char *text) {
    char *at = strrchr(text, '@');

    for (; at && text < at; text++) {
        *text = '*';
    }
}
