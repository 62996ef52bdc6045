/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The test's own folder. The test runs inside, so its files have short relative paths. */

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[PATH_MAX]; /* absolute, without links */
    int before;
};

static struct folder folder;

static inline int folder_begin(void **state) {
    char template[] = "/tmp/git-gate-test-XXXXXX";

    (void)state;
    folder.before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder.before >= 0);
    assert_non_null(mkdtemp(template));
    assert_non_null(realpath(template, folder.path));
    return chdir(folder.path);
}

static inline int folder_remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline int folder_end(void **state) {
    (void)state;
    assert_int_equal(fchdir(folder.before), 0);
    (void)close(folder.before);
    return nftw(folder.path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void folder_write(const char *path, struct span content) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.data, content.size), content.size);
    assert_int_equal(close(fd), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)
