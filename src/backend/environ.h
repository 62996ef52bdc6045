/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** enum environ_backend - what is started for a request, in the order of the words of --backend */
enum environ_backend {
    ENVIRON_SERVICES,     /* git-upload-pack and git-receive-pack */
    ENVIRON_HTTP_BACKEND, /* git-http-backend, which starts these */
    ENVIRON_BACKEND_COUNT,
};

/** enum environ_fsck - how git checks the objects of a push, in the order of the words of --fsck */
enum environ_fsck {
    ENVIRON_FSCK_STRICT, /* every fault refuses the push */
    ENVIRON_FSCK_WARN,   /* faults of old history that harm nobody are shown, others refuse the push */
    ENVIRON_FSCK_OFF,    /* nothing is checked */
    ENVIRON_FSCK_COUNT,
};

/**
 * struct environ_settings - what is the same for every request of a gate; the strings belong to the caller
 * @search_path: PATH
 * @exec_path: folder of git's programs
 * @mirror_root: absolute, holds the repositories
 * @home: HOME, whose .gitconfig is read; NULL for none
 * @hooks_path: folder of hooks; NULL to disable them
 * @rules: for git-gate-hook, as RULES_VARIABLE; NULL for none
 * @keep_old: what references lose is kept
 * @remote_user: who pushes, in reflogs
 * @read_only: pushes are refused
 * @is_confined: git can write nowhere but in the repository, and read nothing of others that it borrows from but objects
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
 * struct environ_request - what is a request's own
 * @method: GET or POST
 * @repository: REPO of the target
 * @path: what follows "/REPO.git" in the target
 * @query: NULL for none
 * @content_type: NULL for none
 * @git_protocol: checked; NULL for none
 * @remote_address: of the client
 * @pushes: it asks for git-receive-pack
 * @rule_hooks_path: the folder of git-gate-hook, which takes the place of that of the hooks; NULL when it is not needed
 * @keeps_old: git-gate-hook keeps the tips that references lose
 * @tell_fd: where git-gate-hook tells how references move, in git; 0 for nowhere
 * @asks_head: it asks for HEAD alone: upload-pack is to say nothing of other references
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
 * environ_new() - make the environment of git, from nothing but what is given here
 * @environp: receives one block of memory, as execve(2) wants it; the caller frees it with free()
 *
 * A service gets no setting that it does not read, as git spends time on each. What outranks the settings of a repository
 * stays wherever the service, or a hook of it, would read them: docs/hostile-repository.md.
 *
 * CONTENT_LENGTH is never in it: git-http-backend waits for ever for a body that was cut short below it, and the gate
 * does the framing.
 *
 * Return: 0, -ENOMEM.
 */
int environ_new(char ***environp, const struct environ_settings *settings, const struct environ_request *request);
