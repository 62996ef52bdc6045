/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "backend/git.h"
#include "backend/process.h"
#include "base/buffer.h"
#include "base/error.h"

enum {
    DEMO_SIGNALLED = -1, /* a signal has asked the demo to end, which is no failure */
    DEMO_ANSWER_MAX = 1024,
};

/**
 * struct demo_site - a temporary folder, and the processes that work in it
 * @folder: its absolute path; NULL before demo_site_begin()
 * @signal_fd: reports SIGHUP, SIGINT and SIGTERM, which are blocked
 * @environment: of git and of the gate, on the heap; it names nothing of the user's configuration
 * @git, @git_program: where git is
 * @gate: the gate, once it runs
 * @log: bytes of the gate's standard error that are not printed yet
 */
struct demo_site {
    char *folder;
    int signal_fd;
    char **environment;
    struct git git;
    char *git_program;
    struct process gate;
    struct buffer log;
};

/*
 * The functions below that take @error return 0, DEMO_SIGNALLED, GATE_E_START or GATE_E_INTERNAL. They fill @error for
 * the last two.
 */

/** demo_site_begin() - block the signals, find git and make the folder. Call demo_site_end() even if it fails. */
int demo_site_begin(struct demo_site *site, struct gate_error *error);

/**
 * demo_site_end() - end the gate, and remove the folder
 *
 * Return: 0, or GATE_E_INTERNAL with @error filled when something is left.
 */
int demo_site_end(struct demo_site *site, struct gate_error *error);

/** demo_site_write() - write a file in an existing folder. @name: relative to the site's folder */
int demo_site_write(const struct demo_site *site, const char *name, const char *text, struct gate_error *error);

/**
 * demo_site_git() - run git to its end, and print each line of its output
 * @folder: below the site's folder, where git works
 * @words: the arguments, ended by NULL
 * @input: a file to read, relative to the site's folder; NULL for none
 * @takes: whether git must exit with 0, or with another status
 */
int demo_site_git(struct demo_site *site, const char *folder, const char *const words[], const char *input, bool takes,
                  struct gate_error *error);

/**
 * demo_site_serve() - start a gate, by this very program, and print its output until it serves
 * @rules, @repository: relative to the site's folder
 * @answer: receives the last line, the command to clone with
 */
int demo_site_serve(struct demo_site *site, const char *rules, const char *repository, char answer[DEMO_ANSWER_MAX],
                    struct gate_error *error);

/** demo_site_print_push() - wait for the gate's next record of a pushed reference, and print it */
int demo_site_print_push(struct demo_site *site, struct gate_error *error);

/** demo_site_follow() - print the gate's records until standard input ends or has a line */
int demo_site_follow(struct demo_site *site, struct gate_error *error);
