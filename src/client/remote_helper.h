/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    REMOTE_HELPER_FAILED = 128,         /* the exit status of git's programs that give up: git(1) */
    REMOTE_HELPER_LOOK_MS = 1000,       /* between two checks for time-outs */
    REMOTE_HELPER_HANGUP_MS = 1000,     /* for git's HTTP helper to end by itself, once nobody reads its output */
    REMOTE_HELPER_LAST_WORDS_MS = 1000, /* for git's HTTP helper to end after SIGTERM */
};

/**
 * remote_helper() - git-remote-gate, as git starts it: gitremote-helpers(7)
 * @argv: the program's name, the remote's name or its URL, and the URL; ended by NULL
 *
 * Prints errors on standard error. Return: the exit status of git's HTTP helper, or REMOTE_HELPER_FAILED.
 */
int remote_helper(char *argv[]);
