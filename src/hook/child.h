/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <sys/types.h>

/** enum child_objects - which objects git sees, while those of a push are in quarantine */
enum child_objects {
    CHILD_ALL_OBJECTS,
    CHILD_NEW_OBJECTS, /* those of the push alone */
    CHILD_OLD_OBJECTS, /* those of the repository, and of what it borrows from */
};

/**
 * struct child_git - which git is asked, and about which repository
 * @program: git, by its path
 * @repository: a folder in which git finds it; NULL for the one of the environment, as git gives it to a hook
 * @objects: those that git sees
 */
struct child_git {
    const char *program;
    const char *repository;
    enum child_objects objects;
};

/** struct child - a git at work, and what it writes; @output is the caller's to read, and closed by child_end() */
struct child {
    pid_t pid;
    int output;
};

#define CHILD_NONE ((struct child){.output = -1})

/**
 * child_start() - start git
 * @input: its standard input; -1 for none. It stays the caller's.
 * @argv: its arguments, as "rev-list"; ended by NULL
 *
 * It gets a gibibyte of memory at the most. It sees the objects of the repository alone: neither references nor files
 * that replace some (git-replace(1), grafts).
 *
 * Return: 0 or a negative errno.
 */
int child_start(struct child *child, const struct child_git *git, int input, const char *const argv[]);

/** child_end() - wait for its end. Return: 0 when it succeeded, -EIO, or the negative errno of waitpid(2). */
int child_end(struct child *child);

/**
 * child_each_line() - start git, and take each line that it writes
 * @input, @argv: as for child_start()
 * @take: gets a line without its end, which it may change; a value other than 0 ends the reading
 *
 * Return: 0 when git succeeded; the first value of @take other than 0, or a negative errno.
 */
int child_each_line(const struct child_git *git, int input, const char *const argv[],
                    int (*take)(char *line, void *userdata), void *userdata);

/** child_kill() - end one that is not needed any more; safe for CHILD_NONE */
void child_kill(struct child *child);

/** child_input_open() - an empty file in memory, for what a child is to read. Return: NULL with errno. */
FILE *child_input_open(void);

/** child_input_fd() - the descriptor of such a file, from its beginning on, when all is written. Return: or -errno. */
int child_input_fd(FILE *input);
