/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Holds the table of routes, and checks names of repositories. Nothing outside of the table is served. The paths are
 * those of gitprotocol-http(5) and git-http-backend(1).
 */

#include "access/route.h"

#include <assert.h>
#include <string.h>

#include "base/ascii.h"

static const struct route routes[] = {
    {
        .name = "info/refs",
        .path = "/info/refs",
        .query = "service=git-upload-pack",
        .method = HEAD_METHOD_GET,
        .allow = "GET",
        .service = "git-upload-pack",
    },
    {
        .name = "info/refs",
        .path = "/info/refs",
        .query = "service=git-receive-pack",
        .method = HEAD_METHOD_GET,
        .allow = "GET",
        .service = "git-receive-pack",
        .pushes = true,
    },
    {
        .name = "upload-pack",
        .path = "/git-upload-pack",
        .method = HEAD_METHOD_POST,
        .allow = "POST",
        .service = "git-upload-pack",
        .content_type = "application/x-git-upload-pack-request",
    },
    {
        .name = "receive-pack",
        .path = "/git-receive-pack",
        .method = HEAD_METHOD_POST,
        .allow = "POST",
        .service = "git-receive-pack",
        .content_type = "application/x-git-receive-pack-request",
        .pushes = true,
    },
    {
        .name = "HEAD",
        .path = "/HEAD",
        .method = HEAD_METHOD_GET,
        .allow = "GET",
    },
};

static const char repository_end[] = ".git";

bool route_repository_is_valid(struct span name) {
    for (size_t i = 0; i < name.size; i++) {
        if (!ascii_is_name_byte(name.data[i])) {
            return false;
        }
    }
    return name.size > 0 && name.size <= ROUTE_REPOSITORY_MAX_BYTES;
}

static bool ends_in_git(struct span text) {
    const size_t end_size = sizeof(repository_end) - 1;

    return text.size >= end_size && memcmp(text.data + text.size - end_size, repository_end, end_size) == 0;
}

struct span route_repository_of(struct span folder) {
    return (struct span){folder.data, folder.size - (ends_in_git(folder) ? sizeof(repository_end) - 1 : 0)};
}

bool route_folder_is_repository(struct span folder) {
    return folder.size > sizeof(repository_end) - 1 && ends_in_git(folder);
}

static_assert(ROUTE_REPOSITORY_MAX_BYTES == 250, "a sentence below says this number");

const char *route_repository_fault(struct span name) {
    if (name.size == 0) {
        return "the repository's name is missing";
    }
    if (memchr(name.data, '/', name.size)) {
        return "the repository's name has a slash in it, and a gate knows repositories without their folders";
    }
    if (name.size > ROUTE_REPOSITORY_MAX_BYTES) {
        return "the repository's name is longer than 250 bytes";
    }
    return route_repository_is_valid(name) ? NULL
                                           : "the repository's name may have only letters, digits, '.', '_' and '-'";
}

const char *route_folder_fault(struct span folder) {
    struct span name = route_repository_of(folder);
    const char *fault = route_repository_fault(name);

    return !fault && name.size == folder.size ? "the repository's name does not end in .git" : fault;
}

/* Removes "/REPO.git" from the front of @restp. REPO may contain ".git": the last one before the next slash counts. */
static bool take_repository(struct span *restp, struct span *repositoryp) {
    const size_t end_size = sizeof(repository_end) - 1;
    size_t size = 1;

    if (restp->size < 1 || restp->data[0] != '/') {
        return false;
    }
    while (size < restp->size && ascii_is_name_byte(restp->data[size])) {
        size++;
    }
    if (size < 1 + 1 + end_size || memcmp(restp->data + size - end_size, repository_end, end_size) != 0) {
        return false;
    }
    *repositoryp = (struct span){restp->data + 1, size - 1 - end_size};
    *restp = (struct span){restp->data + size, restp->size - size};
    return repositoryp->size <= ROUTE_REPOSITORY_MAX_BYTES;
}

/* Removes "?query" from the end of @restp. Without one, the query's data is NULL. */
static struct span take_query(struct span *restp) {
    const char *mark = memchr(restp->data, '?', restp->size);
    struct span query = {NULL, 0};

    if (mark) {
        query = (struct span){mark + 1, restp->size - (size_t)(mark + 1 - restp->data)};
        restp->size = (size_t)(mark - restp->data);
    }
    return query;
}

/* Return: ROUTE_E_*, for a path that is not a route. @path: the target after "/REPO.git", without the query. */
static int explain_unknown(struct span path) {
    static const char lfs[] = "/info/lfs/";

    if (path.size >= sizeof(lfs) - 1 && memcmp(path.data, lfs, sizeof(lfs) - 1) == 0) {
        return ROUTE_E_LFS;
    }
    return span_equals(path, "/git-upload-archive") ? ROUTE_E_ARCHIVE : ROUTE_E_UNKNOWN;
}

int route_match(const struct route **routep, struct span *repositoryp, struct span target, enum head_method method) {
    bool known_path = false;
    struct span query;

    if (!take_repository(&target, repositoryp)) {
        return ROUTE_E_UNKNOWN;
    }
    query = take_query(&target);
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const struct route *route = &routes[i];

        if (!span_equals(target, route->path)) {
            continue;
        }
        known_path = known_path || route->query;
        if (route->query ? span_equals(query, route->query) : !query.data) {
            *routep = route;
            return method == route->method ? 0 : ROUTE_E_WRONG_METHOD;
        }
    }
    return known_path ? ROUTE_E_NO_SERVICE : explain_unknown(target);
}
