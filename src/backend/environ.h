/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** enum environ_backend - the program that is started for a request, in the order of the words of --backend */
enum environ_backend {
    ENVIRON_SERVICES,     /* git-upload-pack and git-receive-pack */
    ENVIRON_HTTP_BACKEND, /* git-http-backend, which starts these */
    ENVIRON_BACKEND_COUNT,
};

/** enum environ_fsck - how git checks the objects of a push, in the order of the words of --fsck */
enum environ_fsck {
    ENVIRON_FSCK_STRICT, /* every fault refuses the push */
    ENVIRON_FSCK_WARN,   /* harmless faults, as in old history, are only shown; others refuse the push */
    ENVIRON_FSCK_OFF,    /* nothing is checked */
    ENVIRON_FSCK_COUNT,
};

/**
 * struct environ_settings - the settings that all requests of a gate share; the strings belong to the caller
 * @search_path: PATH
 * @exec_path: folder of git's programs
 * @mirror_root: absolute, holds the repositories
 * @home: HOME, whose .gitconfig is read; NULL for none
 * @hooks_path: folder of hooks; NULL to disable them
 * @rules: the value of RULES_VARIABLE for git-gate-hook; NULL for none
 * @keep_old: the old tips of deleted and forced references are kept
 * @remote_user: the pusher's name in reflogs
 * @read_only: pushes are refused
 * @is_confined: git can write inside the repository alone; of repositories that it borrows from it can read objects
 *               alone
 * @backend: enum environ_backend
 * @fsck: enum environ_fsck
 * @any_commit: a fetch may ask for any object by its id in protocol versions 0 and 1, too
 * @trust_owner: the repository may belong to another user
 * @hide_refs: prefixes, NULL at the end of the list
 * @git_config: further settings, each KEY=VALUE, NULL at the end of the list
 * @max_request_bytes: the largest request that git may hold in memory
 */
struct environ_settings {
    const char *search_path;
    const char *exec_path;
    const char *mirror_root;
    const char *home;
    const char *hooks_path;
    const char *rules;
    bool keep_old;
    const char *remote_user;
    bool read_only;
    bool is_confined;
    unsigned backend;
    unsigned fsck;
    bool any_commit;
    bool trust_owner;
    char *const *hide_refs;
    char *const *git_config;
    uint64_t max_request_bytes;
};

/**
 * struct environ_request - the values of one request
 * @method: GET or POST
 * @repository: REPO of the target
 * @path: the part of the target after "/REPO.git"
 * @query: NULL for none
 * @content_type: NULL for none
 * @git_protocol: checked; NULL for none
 * @remote_address: of the client
 * @pushes: it asks for git-receive-pack
 * @rule_hooks_path: the folder of git-gate-hook, used in place of the hooks' folder; NULL when it is not needed
 * @keeps_old: git-gate-hook keeps the old tips of this push
 * @tell_fd: TELL_VARIABLE: the descriptor, by its number in git, to which git-gate-hook writes the kinds of updates; 0
 *           for none
 * @asks_head: it asks for HEAD alone, so upload-pack must not show other references
 */
struct environ_request {
    const char *method;
    const char *repository;
    const char *path;
    const char *query;
    const char *content_type;
    const char *git_protocol;
    const char *remote_address;
    bool pushes;
    const char *rule_hooks_path;
    bool keeps_old;
    int tell_fd;
    bool asks_head;
};

/**
 * environ_new() - make git's environment from the arguments alone
 * @environp: receives one block of memory, as execve(2) wants it; the caller frees it with free()
 *
 * A service gets no setting that it does not read, because git spends time on each. A setting that outranks one of the
 * repository is left out only if neither the service nor its hooks would read it: docs/hostile-repository.md.
 *
 * CONTENT_LENGTH is never set. git-http-backend would wait for ever when the body is shorter than that. The gate does
 * the framing.
 *
 * Return: 0, -ENOMEM.
 */
int environ_new(char ***environp, const struct environ_settings *settings, const struct environ_request *request);
