/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <sys/types.h>

/** enum child_objects - which objects git sees, while the objects of a push are in quarantine */
enum child_objects {
    CHILD_ALL_OBJECTS,
    CHILD_NEW_OBJECTS, /* those of the push alone */
    CHILD_OLD_OBJECTS, /* those of the repository, and of what it borrows from */
};

/**
 * struct child_git - how git is asked: which program, repository and objects
 * @program: git's path
 * @repository: a folder in which git finds the repository; NULL for the one that git has set in a hook's environment
 * @objects: the objects that git sees
 */
struct child_git {
    const char *program;
    const char *repository;
    enum child_objects objects;
};

/** struct child - a running git; the caller reads @output, and child_end() closes it */
struct child {
    pid_t pid;
    int output;
};

#define CHILD_NONE ((struct child){.output = -1})

/**
 * child_start() - start git
 * @input: its standard input, which stays the caller's; -1 for none
 * @argv: its arguments from "rev-list" or another command on; NULL at the end
 *
 * git gets at most a gibibyte of memory. It sees each object as it is: replacements (git-replace(1)) and grafts are
 * switched off.
 *
 * Return: 0 or a negative errno.
 */
int child_start(struct child *child, const struct child_git *git, int input, const char *const argv[]);

/** child_end() - wait for git's end. Return: 0 when it succeeded, -EIO, or the negative errno of waitpid(2). */
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

/** child_kill() - end a git that is no longer needed; safe for CHILD_NONE */
void child_kill(struct child *child);

/** child_input_open() - open an empty file in memory, for a child to read. Return: NULL with errno. */
FILE *child_input_open(void);

/** child_input_fd() - finish such a file for reading. Return: its descriptor, at the beginning, or a negative errno. */
int child_input_fd(FILE *input);
