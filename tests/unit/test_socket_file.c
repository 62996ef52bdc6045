/* SPDX-License-Identifier: Apache-2.0 */

/* Access to a Unix socket: its mode, its group, and the folders that the gate makes above it. */

#include "unit_folder.h"

#include "serve/listener.h"

enum {
    OTHER_USER = 65534,
};

static mode_t mode_of(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0 ? status.st_mode : 0;
}

static gid_t group_of(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0 ? status.st_gid : (gid_t)-1;
}

/* @folder: the mode of new folders. @above: the mode of the one that exists. @is_given: a group is given */
static const struct {
    const char *name;
    mode_t mode;
    mode_t folder;
    mode_t above;
    bool is_given;
} cases[] = {
    {"own", 0600, 0700, 0755, false},
    {"own, given", 0600, 0700, 0755, true},
    {"the group", 0660, 0710, 0755, false},
    {"the group, given", 0660, 0710, 0755, true},
    {"the group only reads", 0640, 0700, 0755, true},
    {"below a set-group-ID bit", 0660, S_ISGID | 0710, S_ISGID | 0755, false},
    {"below a set-group-ID bit, given", 0660, S_ISGID | 0710, S_ISGID | 0755, true},
};

/* Root gives another group, and any other user its own. */
static void test_group(void **state) {
    static const char *const made[] = {"above/a", "above/a/b"};
    const gid_t other = geteuid() == 0 ? OTHER_USER : getegid();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        const bool is_below = cases[i].above & S_ISGID;
        const gid_t expected = cases[i].is_given || is_below ? other : getegid();
        struct listener_settings settings = {
            .socket_path = "above/a/b/sock",
            .inherited_fd = -1,
            .access = {.mode = cases[i].mode, .group = cases[i].is_given ? "g" : NULL, .gid = other}};
        mode_t before = umask(0077);
        struct listener listener;
        struct gate_error error;

        expect_int(name, mkdir("above", 0700), 0);
        expect_int(name, is_below ? chown("above", (uid_t)-1, other) : 0, 0);
        expect_int(name, chmod("above", cases[i].above), 0);
        expect_int(name, listener_open(&listener, &settings, &error), 0);
        (void)umask(before);
        expect_int(name, mode_of("above/a/b/sock"), S_IFSOCK | cases[i].mode);
        expect_int(name, group_of("above/a/b/sock"), expected);
        expect_int(name, mode_of("above"), S_IFDIR | cases[i].above);
        for (size_t j = 0; j < ARRAY_SIZE(made); j++) {
            expect_int(name, mode_of(made[j]) & ~(mode_t)S_ISGID, S_IFDIR | (cases[i].folder & ~(mode_t)S_ISGID));
            expect_int(name, mode_of(made[j]) & S_ISGID, is_below ? S_ISGID : 0);
            expect_true(name, group_of(made[j]) == expected || cases[i].folder == 0700);
        }
        listener_close(&listener);
        expect_true(name, rmdir("above/a/b") == 0 && rmdir("above/a") == 0 && rmdir("above") == 0);
    }
}

/* A user cannot give away a group without being a member. The start fails, and leaves no socket. */
static void test_group_of_others(void **state) {
    const bool is_root = geteuid() == 0;
    struct listener_settings settings = {
        .socket_path = "sock",
        .inherited_fd = -1,
        .access = {.mode = 0660, .group = "others", .gid = OTHER_USER - 1},
    };
    struct listener listener;
    struct gate_error error;

    (void)state;
    assert_true(!is_root || (chown(".", OTHER_USER, OTHER_USER) == 0 && seteuid(OTHER_USER) == 0));
    assert_int_equal(listener_open(&listener, &settings, &error), GATE_E_START);
    assert_true(!is_root || seteuid(0) == 0);
    assert_non_null(strstr(error.message, "--socket-group=others: Operation not permitted"));
    assert_int_equal(mode_of("sock"), 0);
}

/* If others may write to the folder, one of them may have put another file in the socket's place. */
static void test_other_file(void **state) {
    static const char *const paths[] = {"link", "precious", "nowhere"};
    const struct socket_access access = {.mode = 0660, .group = "own", .gid = getegid()};

    (void)state;
    folder_write("precious", SPAN("precious"));
    assert_int_equal(chmod("precious", 0600), 0);
    assert_int_equal(symlink("precious", "link"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct gate_error error = {0};
        struct stat identity;

        expect_int(paths[i], socket_file_admit(&identity, paths[i], &access, &error), GATE_E_START);
        expect_true(paths[i], strstr(error.message, "--socket=") != NULL);
    }
    assert_int_equal(mode_of("precious"), S_IFREG | 0600);
}

static void test_exposed(void **state) {
    static const struct {
        mode_t mode;
        bool is_exposed;
    } folders[] = {{0700, false}, {0777, true}, {S_ISGID | 0777, true}, {S_ISVTX | 0777, false}, {0775, false}};
    unsigned mode;

    (void)state;
    assert_int_equal(mkdir("open", 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        assert_int_equal(chmod("open", folders[i].mode), 0);
        expect_int("exposed", socket_file_is_exposed("open/sock", &mode), folders[i].is_exposed);
        expect_int("mode", mode, folders[i].mode);
    }
    assert_false(socket_file_is_exposed("nowhere/sock", &mode));
}

static void test_folder(void **state) {
    static const char *const pairs[][2] = {
        {"sock", "."}, {"/sock", "/"}, {"a/sock", "a/"}, {"/a//sock", "/a//"}, {"./sock", "./"},
    };
    char folder_path[SOCKET_FILE_PATH_MAX + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        socket_file_folder(folder_path, pairs[i][0]);
        expect_text(pairs[i][0], folder_path, pairs[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_group),   IN_FOLDER(test_group_of_others), IN_FOLDER(test_other_file),
        IN_FOLDER(test_exposed), IN_FOLDER(test_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
