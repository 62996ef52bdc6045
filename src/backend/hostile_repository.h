/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

enum {
    HOSTILE_REPOSITORY_CONFIG_MAX_BYTES = 1 << 20, /* of a configuration file */
    HOSTILE_REPOSITORY_REASON_MAX_BYTES = 512,
};

/**
 * struct hostile_repository_policy - what the operator lets a repository do
 * @git_config: the operator's own settings, each KEY=VALUE, NULL at the end of the list
 * @alternates: {"yes"}, {"no"}, or the absolute paths of folders that may hold object stores; NULL at the end
 * @allow_paths: absolute paths; links in the repository may lead to them and below; NULL at the end
 * @is_ruled: there are --rules, which rely on git to refuse malformed objects
 * @is_local: git never fetches missing objects; see stays_local in struct git
 * @follows_links: nothing keeps git from following links out of the repository, so the examination looks for them
 */
struct hostile_repository_policy {
    char *const *git_config;
    char *const *alternates;
    char *const *allow_paths;
    bool is_ruled;
    bool is_local;
    bool follows_links;
};

/**
 * struct hostile_repository_finding - the result of an examination
 * @reason: why the repository is not served: a sentence that names the key or the file
 * @is_partial: the repository is a partial clone, so objects may be missing
 * @closes: its owner closed the service that was asked for
 */
struct hostile_repository_finding {
    char reason[HOSTILE_REPOSITORY_REASON_MAX_BYTES];
    bool is_partial;
    bool closes;
};

enum {
    HOSTILE_REPOSITORY_E_REFUSED = 1,
};

/**
 * hostile_repository_examine() - check that git does nothing for this repository but serve it
 * @finding: filled
 * @path: absolute
 * @key: the setting by which the repository may close the service: service_key(); NULL for none
 *
 * Each request repeats the examination, because hostile code may have changed the files since the last one. It is
 * cheap: some twenty calls that look at names, and the reading of "config".
 *
 * Return: 0; HOSTILE_REPOSITORY_E_REFUSED with @finding->reason; -ENOMEM, -EMFILE, -ENFILE. A file that is missing in
 * the repository is no reason to refuse; a missing repository is.
 */
int hostile_repository_examine(struct hostile_repository_finding *finding,
                               const struct hostile_repository_policy *policy, const char *path, const char *key);

/** hostile_repository_alternates_all() - whether @alternates allows any object store: it is NULL, empty or {"yes"} */
bool hostile_repository_alternates_all(char *const *alternates);

/** hostile_repository_alternates_none() - whether @alternates is {"no"} */
bool hostile_repository_alternates_none(char *const *alternates);
