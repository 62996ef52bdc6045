/* SPDX-License-Identifier: Apache-2.0 */

/* The Unix socket: its mode, its folders, and the files that it may replace. The gate removes no other file. */

#include "unit_folder.h"

#include <errno.h>

#include "serve/listener.h"

enum {
    OTHER_USER = 65534,
};

static int open_at(struct listener *listener, const char *path, struct gate_error *error) {
    struct listener_settings settings = {.socket_path = path, .inherited_fd = -1, .access = {.mode = 0600}};

    *error = (struct gate_error){0};
    return listener_open(listener, &settings, error);
}

static int unix_socket(const char *path, int type, bool listens) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(!listens || listen(fd, 4) == 0);
    return fd;
}

static bool can_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected;

    assert_true(fd >= 0);
    strcpy(address.sun_path, path);
    is_connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    assert_int_equal(close(fd), 0);
    return is_connected;
}

static mode_t mode_of(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0 ? status.st_mode : 0;
}

/* @folders: missing before */
static const struct {
    const char *name;
    const char *path;
    const char *folders[4];
    mode_t umask;
} good_cases[] = {
    {"here", "sock", {NULL}, 0022},
    {"umask of nothing", "sock", {NULL}, 0},
    {"umask of everything but the owner", "sock", {NULL}, 0077},
    {"umask that takes the owner's right to write", "sock", {NULL}, 0377},
    {"in a folder", "a/sock", {"a"}, 0},
    {"in folders", "a/b/c/sock", {"a", "a/b", "a/b/c"}, 0},
    {"in folders, two slashes", "a//b/sock", {"a", "a/b"}, 0022},
    {"in folders, dots", "./a/../a/sock", {"a"}, 0022},
    {"a name with a space", "my sock", {NULL}, 0022},
};

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
        const char *name = good_cases[i].name;
        const char *path = good_cases[i].path;
        mode_t before = umask(good_cases[i].umask);
        struct listener listener;
        struct gate_error error;
        char expected[128];
        char peer[16];
        int fd;
        int r = open_at(&listener, path, &error);

        (void)umask(before);
        if (r) {
            fail_msg("%s: %d %s", name, r, error.message);
        }
        (void)snprintf(expected, sizeof(expected), "unix:%s", path);
        expect_text(name, listener.address, expected);
        expect_int(name, mode_of(path), S_IFSOCK | 0600);
        for (size_t j = 0; j < ARRAY_SIZE(good_cases[i].folders) && good_cases[i].folders[j]; j++) {
            expect_int(good_cases[i].folders[j], mode_of(good_cases[i].folders[j]), S_IFDIR | 0700);
        }
        expect_true(name, fcntl(listener.fd, F_GETFL) & O_NONBLOCK);
        expect_true(name, fcntl(listener.fd, F_GETFD) & FD_CLOEXEC);
        expect_int(name, listener_accept(&listener, &fd, peer, sizeof(peer)), -EAGAIN);
        expect_true(name, can_connect(path));
        expect_int(name, listener_accept(&listener, &fd, peer, sizeof(peer)), 0);
        expect_text(name, peer, "unix");
        expect_true(name, fcntl(fd, F_GETFL) & O_NONBLOCK);
        expect_true(name, fcntl(fd, F_GETFD) & FD_CLOEXEC);
        expect_int(name, close(fd), 0);
        listener_close(&listener);
        expect_int(name, listener.fd, -1);
        expect_int(name, mode_of(path), 0); /* gone, and the folders stay */
        for (size_t j = ARRAY_SIZE(good_cases[i].folders); j-- > 0;) {
            expect_true(name, !good_cases[i].folders[j] || rmdir(good_cases[i].folders[j]) == 0);
        }
    }
}

/* An existing folder keeps its mode. */
static void test_folder_kept(void **state) {
    struct listener listener;
    struct gate_error error;

    (void)state;
    assert_int_equal(mkdir("a", 0700), 0);
    assert_int_equal(chmod("a", 0755), 0);
    assert_int_equal(open_at(&listener, "a/b/sock", &error), 0);
    assert_int_equal(mode_of("a"), S_IFDIR | 0755);
    assert_int_equal(mode_of("a/b"), S_IFDIR | 0700);
    listener_close(&listener);
}

/* A new socket replaces one that nobody listens on, whatever its mode, if this user may connect to it. */
static void test_stale(void **state) {
    static const mode_t modes[] = {0600, 0777, 0};
    const size_t n_modes = ARRAY_SIZE(modes) - (geteuid() != 0);

    (void)state;
    for (size_t i = 0; i < n_modes; i++) {
        struct listener listener;
        struct gate_error error;
        struct stat before;
        struct stat after;

        assert_int_equal(close(unix_socket("sock", SOCK_STREAM, i % 2 == 0)), 0);
        assert_int_equal(chmod("sock", modes[i]), 0);
        assert_int_equal(link("sock", "kept"), 0); /* so that its inode is not free for the new one */
        assert_int_equal(stat("sock", &before), 0);
        assert_int_equal(open_at(&listener, "sock", &error), 0);
        assert_int_equal(stat("sock", &after), 0);
        assert_true(before.st_ino != after.st_ino);
        assert_int_equal(mode_of("sock"), S_IFSOCK | 0600);
        assert_true(can_connect("sock"));
        listener_close(&listener);
        assert_int_equal(mode_of("sock"), 0);
        assert_int_equal(unlink("kept"), 0);
    }
}

static void make_stale(const char *path) {
    assert_int_equal(close(unix_socket(path, SOCK_STREAM, true)), 0);
}

/*
 * A user who may not connect cannot tell a stale socket from a live one. The gate touches neither, and its message is
 * true for both. The test runs as an ordinary user, and root becomes one.
 */
static void test_unknown(void **state) {
    const bool is_root = geteuid() == 0;
    static const char *const paths[] = {"stale", "live"};
    int live;

    (void)state;
    assert_true(!is_root || (chown(".", OTHER_USER, OTHER_USER) == 0 && seteuid(OTHER_USER) == 0));
    make_stale("stale");
    live = unix_socket("live", SOCK_STREAM, true);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct listener listener;
        struct gate_error error;
        struct stat before;
        struct stat after;

        assert_int_equal(chmod(paths[i], 0), 0);
        assert_int_equal(stat(paths[i], &before), 0);
        expect_int(paths[i], open_at(&listener, paths[i], &error), GATE_E_START);
        assert_int_equal(stat(paths[i], &after), 0);
        expect_true(paths[i], before.st_ino == after.st_ino && before.st_mode == after.st_mode);
        expect_true(paths[i], !strstr(error.message, "in use"));
        if (!strstr(error.message, "permission denied") || !strstr(error.message, "mode 0000") ||
            !strstr(error.message, "--socket") || !strstr(error.message, "chmod")) {
            fail_msg("%s: %s", paths[i], error.message);
        }
        listener_close(&listener);
    }
    assert_true(!is_root || seteuid(0) == 0);
    assert_int_equal(close(live), 0);
}

/* Any other file in the way stays as it is. */
static void test_in_the_way(void **state) {
    int live = unix_socket("live", SOCK_STREAM, true);
    int datagrams = unix_socket("datagrams", SOCK_DGRAM, false);
    int full = unix_socket("full", SOCK_STREAM, true);
    static const struct {
        const char *name;
        const char *path;
        const char *word;
    } cases[] = {
        {"a live socket", "live", "in use"},
        {"a live socket by a link", "link-to-live", NULL},
        {"a live socket of datagrams", "datagrams", NULL},
        {"a live socket whose backlog is full", "full", "in use"},
        {"a file", "file", "not a socket"},
        {"an empty file", "empty", "not a socket"},
        {"a folder", "folder", "not a socket"},
        {"a pipe", "pipe", "not a socket"},
        {"a link to a file", "link", NULL},
        {"a link to a stale socket", "link-to-stale", NULL},
        {"a link to nothing", "broken", NULL},
        {"a file for a folder", "file/sock", NULL},
        {"a file for a folder of a folder", "file/folder/sock", NULL},
    };
    int clients[64];
    size_t n_clients = 0;

    (void)state;
    folder_write("file", SPAN("precious"));
    folder_write("empty", SPAN(""));
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    make_stale("stale");
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(symlink("live", "link-to-live"), 0);
    assert_int_equal(symlink("stale", "link-to-stale"), 0);
    assert_int_equal(symlink("nowhere", "broken"), 0);
    for (int r = 0; r == 0 && n_clients < ARRAY_SIZE(clients); n_clients++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "full"};

        clients[n_clients] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        r = connect(clients[n_clients], (struct sockaddr *)&address, sizeof(address));
        assert_true(r == 0 || errno == EAGAIN);
    }
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listener listener = {.fd = 0};
        struct gate_error error;
        struct stat before = {0};
        struct stat after = {0};

        (void)lstat(cases[i].path, &before);
        expect_int(cases[i].name, open_at(&listener, cases[i].path, &error), GATE_E_START);
        expect_int(cases[i].name, error.code, GATE_E_START);
        expect_true(cases[i].name, strstr(error.message, "--socket") != NULL);
        expect_true(cases[i].name, !cases[i].word || strstr(error.message, cases[i].word));
        expect_int(cases[i].name, listener.fd, -1);
        listener_close(&listener);
        (void)lstat(cases[i].path, &after);
        expect_true(cases[i].name, before.st_ino == after.st_ino && before.st_mode == after.st_mode &&
                                       before.st_size == after.st_size);
    }
    assert_true(can_connect("live"));
    assert_int_equal(mode_of("stale") & S_IFMT, S_IFSOCK);
    assert_int_equal(mode_of("nowhere"), 0);
    while (n_clients > 0) {
        assert_int_equal(close(clients[--n_clients]), 0);
    }
    assert_int_equal(close(live) | close(datagrams) | close(full), 0);
}

/* Of two gates at one path, the second is refused, and the first goes on. */
static void test_twice(void **state) {
    struct listener first;
    struct listener second;
    struct gate_error error;

    (void)state;
    assert_int_equal(open_at(&first, "sock", &error), 0);
    assert_int_equal(open_at(&second, "sock", &error), GATE_E_START);
    listener_close(&second);
    assert_true(can_connect("sock"));
    listener_close(&first);
    listener_close(&first);
    assert_int_equal(mode_of("sock"), 0);
    assert_int_equal(open_at(&first, "sock", &error), 0);
    listener_close(&first);
}

/* The gate does not remove a file that has replaced its socket. */
static void test_replaced(void **state) {
    static const char *const names[] = {"by a socket", "by a file", "by a link to the socket", "by nothing"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct listener listener;
        struct gate_error error;
        int fd = -1;

        expect_int(names[i], open_at(&listener, "sock", &error), 0);
        expect_int(names[i], rename("sock", "moved"), 0);
        if (i == 0) {
            fd = unix_socket("sock", SOCK_STREAM, true);
        } else if (i == 1) {
            folder_write("sock", SPAN("precious"));
        } else if (i == 2) {
            expect_int(names[i], symlink("moved", "sock"), 0);
        }
        listener_close(&listener);
        expect_int(names[i], listener.fd, -1);
        expect_int(names[i], mode_of("sock") != 0, i != 3);
        expect_int(names[i], mode_of("moved") & S_IFMT, S_IFSOCK);
        expect_int(names[i], unlink("moved"), 0);
        expect_true(names[i], i == 3 || unlink("sock") == 0);
        if (fd >= 0) {
            expect_int(names[i], close(fd), 0);
        }
    }
}

/* Paths of each length around the limit; a refused path makes no folders. */
static void test_length(void **state) {
    (void)state;
    for (size_t size = LISTENER_PATH_MAX - 3; size < LISTENER_PATH_MAX + 3; size++) {
        bool is_good = size < LISTENER_PATH_MAX;
        char path[LISTENER_PATH_MAX + 8] = "a/";
        char expected[LISTENER_PATH_MAX + 16];
        struct listener listener;
        struct gate_error error;
        char name[32];

        (void)snprintf(name, sizeof(name), "%zu bytes", size);
        memset(path + 2, 's', size - 2);
        (void)snprintf(expected, sizeof(expected), "unix:%s", path);
        expect_int(name, open_at(&listener, path, &error), is_good ? 0 : GATE_E_USAGE);
        if (is_good) {
            expect_text(name, listener.address, expected);
            expect_int(name, mode_of(path), S_IFSOCK | 0600);
            listener_close(&listener);
            expect_int(name, mode_of(path), 0);
            expect_int(name, rmdir("a"), 0);
        } else {
            expect_true(name, error.code == GATE_E_USAGE && strstr(error.message, "--socket="));
            expect_int(name, mode_of("a"), 0);
        }
    }
}

static void test_empty(void **state) {
    struct listener listener;
    struct gate_error error;

    (void)state;
    assert_int_equal(open_at(&listener, "", &error), GATE_E_USAGE);
    assert_int_equal(listener.fd, -1);
    assert_int_equal(listener_open(&listener, &(struct listener_settings){"", NULL, -1}, NULL), GATE_E_USAGE);
}

/* An inherited Unix socket belongs to its maker: the gate neither removes it nor changes its mode. */
static void test_inherited(void **state) {
    int inherited = unix_socket("sock", SOCK_STREAM, true);
    struct listener_settings settings = {.inherited_fd = inherited};
    struct listener listener;
    struct gate_error error;

    (void)state;
    assert_int_equal(chmod("sock", 0660), 0);
    assert_int_equal(listener_open(&listener, &settings, &error), 0);
    assert_string_equal(listener.address, "unix:sock");
    assert_int_not_equal(listener.fd, inherited);
    listener_close(&listener);
    assert_int_equal(mode_of("sock"), S_IFSOCK | 0660);
    assert_true(can_connect("sock"));
    assert_int_equal(close(inherited), 0);
}

/* ListenSequentialPacket= makes such a socket. accept(2) works on it, but it cuts HTTP's stream of bytes. */
static void test_inherited_packets(void **state) {
    int inherited = unix_socket("sock", SOCK_SEQPACKET, true);
    struct listener_settings settings = {.inherited_fd = inherited};
    struct listener listener;
    struct gate_error error;

    (void)state;
    assert_int_equal(listener_open(&listener, &settings, &error), GATE_E_USAGE);
    assert_non_null(strstr(error.message, "ListenStream="));
    assert_int_equal(listener.fd, -1);
    assert_int_equal(close(inherited), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_good),      IN_FOLDER(test_folder_kept),
        IN_FOLDER(test_stale),     IN_FOLDER(test_in_the_way),
        IN_FOLDER(test_twice),     IN_FOLDER(test_replaced),
        IN_FOLDER(test_length),    IN_FOLDER(test_empty),
        IN_FOLDER(test_inherited), IN_FOLDER(test_inherited_packets),
        IN_FOLDER(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
