/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

enum {
    REPOSITORY_CONFIG_MAX_BYTES = 1 << 20, /* of a configuration file */
    REPOSITORY_REASON_MAX_BYTES = 512,
};

/**
 * struct repository_policy - what the operator lets a repository do
 * @git_config: his own settings, each KEY=VALUE, NULL at the end of the list
 * @alternates: {"yes"}, {"no"}, or the absolute paths of folders that may hold object stores; NULL at the end
 * @allow_paths: absolute paths that links in the repository may lead to, or to what is below; NULL at the end
 * @is_local: git never fetches objects that are missing: git_stays_local()
 * @follows_links: nothing keeps git from following links out of the repository, so they are looked for
 */
struct repository_policy {
    char *const *git_config;
    char *const *alternates;
    char *const *allow_paths;
    bool is_local;
    bool follows_links;
};

/**
 * struct repository_finding - what is to be said of a repository
 * @reason: why it is not served, a sentence that names the key or the file
 * @is_partial: not all of its objects have to be there: it is a partial clone
 */
struct repository_finding {
    char reason[REPOSITORY_REASON_MAX_BYTES];
    bool is_partial;
};

enum {
    REPOSITORY_E_REFUSED = 1,
};

/**
 * repository_examine() - whether git does nothing for this repository but serve it
 * @finding: filled
 * @path: absolute
 *
 * Some twenty calls that look at names, and the reading of "config": cheap enough to be done for each request, as code
 * that was taken over may have changed the files since the last one.
 *
 * Return: 0, REPOSITORY_E_REFUSED with @finding->reason, -ENOMEM, -EMFILE, -ENFILE. What is not there is no reason to refuse.
 */
int repository_examine(struct repository_finding *finding, const struct repository_policy *policy, const char *path);

/** repository_alternates_all() - whether @alternates is {"yes"} */
bool repository_alternates_all(char *const *alternates);

/** repository_alternates_none() - whether @alternates is {"no"} */
bool repository_alternates_none(char *const *alternates);
