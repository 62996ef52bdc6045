/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/span.h"
#include "http/head_basics.h"

enum {
    ROUTE_REPOSITORY_MAX_BYTES = 250, /* of REPO in a target: REPO.git has to be possible as the name of a folder */
};

/**
 * struct route - one line of the route table
 * @name: short, for the log
 * @path: the target after "/REPO.git", without the query
 * @query: the text after "?"; NULL when there must be no "?"
 * @method: the one method it takes
 * @allow: that method, as the Allow field names it
 * @service: the git service, NULL for none
 * @content_type: media type that a request body must have, NULL when there is no body; clients may compress one
 * @pushes: this service writes to the repository
 */
struct route {
    const char *name;
    const char *path;
    const char *query;
    enum head_method method;
    const char *allow;
    const char *service;
    const char *content_type;
    bool pushes;
};

enum {
    ROUTE_E_UNKNOWN = 1,  /* 404 */
    ROUTE_E_LFS,          /* 404: below /info/lfs/, the requests of git-lfs */
    ROUTE_E_ARCHIVE,      /* 404: git archive --remote */
    ROUTE_E_NO_SERVICE,   /* 403: the dumb protocol, which ignores transfer.hideRefs */
    ROUTE_E_WRONG_METHOD, /* 405: *routep has the method that it takes */
};

/** route_repository_is_valid() - whether @name can be the REPO of a target */
bool route_repository_is_valid(struct span name);

/** route_repository_of() - @folder without ".git" at its end, if it ends so */
struct span route_repository_of(struct span folder);

/**
 * route_repository_fault() - say why @name cannot be the REPO of a target
 *
 * Return: NULL if it can; otherwise static words for people, "the repository's name ...", without any byte of @name.
 */
const char *route_repository_fault(struct span name);

/** route_folder_is_repository() - whether @folder is NAME.git; NAME may have any bytes, but not be empty */
bool route_folder_is_repository(struct span folder);

/** route_folder_fault() - say why @folder is not NAME.git, with a NAME that can be REPO. Return: as above. */
const char *route_folder_fault(struct span folder);

/**
 * route_match() - find the route of a request
 * @routep: static, owned by the table; set on success and for ROUTE_E_WRONG_METHOD
 * @repositoryp: REPO, within @target; set whenever @target begins with one
 * @target: the raw request target, compared byte for byte: nothing is decoded, nothing normalised
 *
 * Return: 0 or ROUTE_E_*.
 */
int route_match(const struct route **routep, struct span *repositoryp, struct span target, enum head_method method);
