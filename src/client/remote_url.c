/* SPDX-License-Identifier: Apache-2.0 */

/* Parses the URLs of git-remote-gate. It reads a string and fills in values. */

#include "client/remote_url.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/ascii.h"
#include "base/percent.h"

static const char scheme[] = "gate://";
static const char socket_key[] = "socket=";

static int refuse(struct remote_url *url, int code, const char *fault) {
    url->fault = fault;
    return code;
}

/* NAME or NAME.git, and perhaps a slash */
static int take_name(struct remote_url *url, struct span path) {
    const char *fault;

    if (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    path = route_repository_of(path);
    fault = route_repository_fault(path);
    if (fault) {
        return refuse(url, REMOTE_URL_E_PATH, fault);
    }
    memcpy(url->repository, path.data, path.size);
    url->repository[path.size] = '\0';
    return 0;
}

static int take_socket(struct remote_url *url, struct span query) {
    ssize_t size;

    if (!span_take_prefix(&query, socket_key)) {
        return refuse(url, REMOTE_URL_E_QUERY,
                      "after the '?' there is something else than socket=PATH; a token goes into GIT_GATE_TOKEN");
    }
    if (memchr(query.data, '&', query.size)) {
        return refuse(url, REMOTE_URL_E_QUERY,
                      "after socket=PATH there is an '&', and nothing may follow; in PATH it is %26");
    }
    size = percent_decode(url->socket, sizeof(url->socket), query);
    if (size == -ENOBUFS) {
        return refuse(url, REMOTE_URL_E_QUERY,
                      "the path in socket=PATH is longer than 107 bytes, the most that a socket's path can have");
    }
    if (size < 0) {
        return refuse(url, REMOTE_URL_E_QUERY,
                      "in socket=PATH there is a '%' without two hexadecimal digits after it; '%' itself is %25");
    }
    if (size == 0) {
        return refuse(url, REMOTE_URL_E_QUERY, "the path in socket=PATH is missing");
    }
    /* an error message would print them on a terminal */
    return ascii_has_control_byte((struct span){url->socket, (size_t)size})
               ? refuse(url, REMOTE_URL_E_QUERY, "the path in socket=PATH has control characters in it")
               : 0;
}

static_assert(sizeof(((struct remote_url *)0)->socket) == 108, "a sentence above says this number");

/* gate://NAME.git, or a host, user or token, which the URL must not have. */
static const char *fault_of_host(struct span rest) {
    return memchr(rest.data, '/', rest.size)
               ? "there is text between the second and the third slash, and a gate has no host; "
                 "a token goes into GIT_GATE_TOKEN"
               : "a third slash is missing after gate://, as a gate has no host";
}

int remote_url_parse(struct remote_url *url, const char *text) {
    struct span rest = span_of(text);
    struct span path;
    int r;

    *url = (struct remote_url){0};
    if (!span_take_prefix(&rest, scheme)) {
        return refuse(url, REMOTE_URL_E_SCHEME, "it does not begin with gate://");
    }
    if (!span_take_prefix(&rest, "/")) {
        return refuse(url, REMOTE_URL_E_HOST, fault_of_host(rest));
    }
    path = (struct span){rest.data, strcspn(rest.data, "?")};
    r = take_name(url, path);
    if (r) {
        return r;
    }
    rest = (struct span){rest.data + path.size, rest.size - path.size};
    return span_take_prefix(&rest, "?") ? take_socket(url, rest) : 0;
}
