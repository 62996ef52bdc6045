/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum {
    GIT_ANSWER_TIMEOUT_MS = 10 * 1000, /* for git --exec-path, at start */
};

/**
 * struct git - where git is, found once at start
 * @search_path: PATH at start, or a default when it is not set
 * @stays_local: this git is known to obey GIT_NO_LAZY_FETCH, so it never fetches missing objects: git_ask_version()
 * @exec_path: folder of git's programs
 * @program: the program in that folder that is started for a request
 *
 * The last two are absolute. Strings are owned by the struct, and freed by git_deinit().
 */
struct git {
    bool stays_local;
    char *search_path;
    char *exec_path;
    char *program;
};

/**
 * git_find() - look git up in PATH, and a program in the folder of git's programs
 * @git: filled on success
 * @program: the name of the program that is started for a request
 * @error: filled on failure
 *
 * For PREFIX/bin/git, git's programs are in PREFIX/lib/git-core or PREFIX/libexec/git-core, if git itself is there,
 * too. Otherwise it runs "git --exec-path", which costs a process. git's PATH and GIT_EXEC_PATH are taken from the
 * environment here, at start. So a program may change its environment while a server runs.
 *
 * Return: 0, GATE_E_START, GATE_E_INTERNAL.
 */
int git_find(struct git *git, const char *program, struct gate_error *error);

/**
 * git_ask_version() - find out whether git stays local, by "git version"
 *
 * GIT_NO_LAZY_FETCH came with git 2.45 and with the corrections of older releases for CVE-2024-32004. Asking costs a
 * process, so call it only where the answer matters. It waits for the answer, as git_find() does.
 *
 * Return: 0, GATE_E_START.
 */
int git_ask_version(struct git *git, struct gate_error *error);

/**
 * git_is_local_version() - whether a git of this version knows GIT_NO_LAZY_FETCH
 * @answer: of "git version"
 */
bool git_is_local_version(const char *answer);

/** git_deinit() - free its strings */
void git_deinit(struct git *git);
