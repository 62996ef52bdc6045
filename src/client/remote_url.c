/* SPDX-License-Identifier: Apache-2.0 */

/* Owns what a URL of git-remote-gate looks like. It reads a string and fills in values. */

#include "client/remote_url.h"

#include <string.h>

#include "base/percent.h"

static const char scheme[] = "gate://";
static const char repository_end[] = ".git";
static const char socket_key[] = "socket=";

/* Takes @prefix off the front. */
static bool take(struct span *restp, const char *prefix) {
    size_t size = strlen(prefix);

    if (restp->size < size || memcmp(restp->data, prefix, size) != 0) {
        return false;
    }
    *restp = (struct span){restp->data + size, restp->size - size};
    return true;
}

/* NAME.git or NAME.git/ */
static bool take_name(struct remote_url *url, struct span path) {
    const size_t end_size = sizeof(repository_end) - 1;

    if (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    if (path.size <= end_size || memcmp(path.data + path.size - end_size, repository_end, end_size) != 0) {
        return false;
    }
    path.size -= end_size;
    if (!route_repository_is_valid(path)) {
        return false;
    }
    memcpy(url->repository, path.data, path.size);
    url->repository[path.size] = '\0';
    return true;
}

/* No control bytes, which would get to a terminal with the sentence that says what is wrong. */
static bool is_path(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return size > 0;
}

static bool take_socket(struct remote_url *url, struct span query) {
    ssize_t size = take(&query, socket_key) ? percent_decode(url->socket, sizeof(url->socket), query) : -1;

    return size > 0 && is_path(url->socket, (size_t)size) && memchr(query.data, '&', query.size) == NULL;
}

int remote_url_parse(struct remote_url *url, const char *text) {
    struct span rest = span_of(text);
    struct span path;

    *url = (struct remote_url){0};
    if (!take(&rest, scheme)) {
        return REMOTE_URL_E_SCHEME;
    }
    if (!take(&rest, "/")) {
        return REMOTE_URL_E_HOST;
    }
    path = (struct span){rest.data, strcspn(rest.data, "?")};
    if (!take_name(url, path)) {
        return REMOTE_URL_E_PATH;
    }
    rest = (struct span){rest.data + path.size, rest.size - path.size};
    return rest.size == 0 || (take(&rest, "?") && take_socket(url, rest)) ? 0 : REMOTE_URL_E_QUERY;
}
