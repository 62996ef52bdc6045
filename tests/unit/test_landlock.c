/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Landlock: each access allows its actions and nothing else, inside and outside of the path. A child makes each try in
 * its own tree. The folders in/ and out/ there are alike, with the files "file", "other" and "tool", and the folders
 * "sub" and "empty".
 */

#include "unit_child.h"

#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "confine/landlock.h"
#include "confine/limits.h"

static int errno_of(bool is_good) {
    return is_good ? 0 : errno;
}

static int try_open(const char *path, int flags) {
    _cleanup_fd_ int fd = open(path, flags | O_CLOEXEC, 0600);

    return errno_of(fd >= 0);
}

static int read_file(void) {
    return try_open("file", O_RDONLY);
}

static int list_folder(void) {
    return try_open("sub", O_RDONLY | O_DIRECTORY);
}

/* The file is no program, and the kernel says so once it may read it. */
static int execute(void) {
    (void)execl("tool", "tool", (char *)NULL);
    return errno == ENOEXEC ? 0 : errno;
}

static int write_file(void) {
    return try_open("file", O_WRONLY);
}

static int truncate_file(void) {
    return errno_of(truncate("file", 1) == 0);
}

static int make_file(void) {
    return try_open("new", O_WRONLY | O_CREAT | O_EXCL);
}

static int make_folder(void) {
    return errno_of(mkdir("new", 0700) == 0);
}

static int remove_file(void) {
    return errno_of(unlink("file") == 0);
}

static int remove_folder(void) {
    return errno_of(rmdir("empty") == 0);
}

static int rename_file(void) {
    return errno_of(rename("file", "new") == 0);
}

static int move_to_folder(void) {
    return errno_of(rename("file", "sub/file") == 0);
}

static int make_hard_link(void) {
    return errno_of(link("file", "new") == 0);
}

static int make_symlink(void) {
    return errno_of(symlink("file", "new") == 0);
}

static int make_fifo(void) {
    return errno_of(mkfifo("new", 0600) == 0);
}

static int make_socket(void) {
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "new"};
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return errno_of(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
}

static int look_at_file(void) {
    struct stat status;

    return errno_of(stat("file", &status) == 0);
}

enum {
    NO = 1 << 0,   /* without any access */
    READ = 1 << 1, /* with LANDLOCK_READ, and so on */
    RUN = 1 << 2,
    CHANGE = 1 << 3,
    REMOVE = 1 << 4,
    PARENT = 1 << 5, /* without any access under the ruleset for children */
};

/* @allowed: the access that allows it inside; outside the result is as with NO, or with PARENT */
static const struct {
    const char *name;
    int (*try)(void);
    int allowed;
    int refusal;
    int abi; /* the first access that can refuse it */
} tries[] = {
    {"read a file", read_file, READ | RUN | CHANGE | PARENT, EACCES, 2},
    {"list a folder", list_folder, READ | RUN | CHANGE | PARENT, EACCES, 2},
    {"execute", execute, RUN | PARENT, EACCES, 2},
    {"write a file", write_file, CHANGE | PARENT, EACCES, 2},
    {"truncate a file", truncate_file, CHANGE | PARENT, EACCES, 3},
    {"make a file", make_file, CHANGE | PARENT, EACCES, 2},
    {"make a folder", make_folder, CHANGE | PARENT, EACCES, 2},
    {"remove a file", remove_file, CHANGE | REMOVE, EACCES, 2},
    {"remove a folder", remove_folder, CHANGE | PARENT, EACCES, 2},
    {"rename a file", rename_file, CHANGE, EACCES, 2},
    {"move a file to another folder", move_to_folder, CHANGE, 0, 2},
    {"make a hard link", make_hard_link, CHANGE | PARENT, EACCES, 2},
    {"make a symbolic link", make_symlink, PARENT, EACCES, 2},
    {"make a pipe", make_fifo, PARENT, EACCES, 2},
    {"make a socket", make_socket, PARENT, EACCES, 2},
    {"look at a file", look_at_file, NO | READ | RUN | CHANGE | REMOVE | PARENT, EACCES, 2},
};

static const struct {
    const char *name;
    enum landlock_access access;
    int bit;
} accesses[] = {
    {"none", LANDLOCK_ACCESS_COUNT, NO}, {"read", LANDLOCK_READ, READ},       {"run", LANDLOCK_RUN, RUN},
    {"change", LANDLOCK_CHANGE, CHANGE}, {"remove", LANDLOCK_REMOVE, REMOVE},
};

static void make_half(const char *path) {
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chdir(path), 0);
    folder_write("file", SPAN("content"));
    folder_write("other", SPAN("content"));
    folder_write("tool", SPAN("no program"));
    assert_int_equal(chmod("tool", 0700), 0);
    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(mkdir("empty", 0700), 0);
    assert_int_equal(chdir(".."), 0);
}

static void make_tree(void) {
    (void)nftw("in", folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    (void)nftw("out", folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    make_half("in");
    make_half("out");
}

/* One child's task: a ruleset, a path that it allows, and a try in a folder. */
struct task {
    int (*deny)(struct landlock *landlock, int abi);
    const char *path;
    enum landlock_access access;
    const char *where;
    int (*try)(void);
};

static int confine_and_try(const void *argument) {
    const struct task *task = argument;
    struct landlock landlock;

    child_expect("no_new_privs", limits_keep_privileges() == 0);
    child_expect("deny", task->deny(&landlock, landlock_abi()) == 0);
    child_expect("allow",
                 task->access == LANDLOCK_ACCESS_COUNT || landlock_allow(&landlock, task->path, task->access) == 0);
    child_expect("chdir", chdir(task->where) == 0);
    child_expect("enforce", landlock_enforce(&landlock) == 0);
    landlock_deinit(&landlock);
    child_expect("deinit", landlock.fd == -1);
    return task->try();
}

/* @refusal: 0 for moves, which give EXDEV if only the move to another folder is denied, and otherwise EACCES */
static void check(const char *name, const char *how, int got, bool is_allowed, int refusal) {
    bool is_right = is_allowed ? got == 0 : refusal ? got == refusal : got == EXDEV || got == EACCES;

    if (!is_right) {
        fail_msg("%s, %s: %d %s", name, how, got, got >= 0 ? strerror(got) : "signal");
    }
}

static bool has_no_landlock(void) {
    return landlock_abi() == 0;
}

static void test_deny_all(void **state) {
    (void)state;
    if (has_no_landlock()) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(accesses) && tries[i].abi <= landlock_abi(); j++) {
            struct task task = {landlock_deny_all, "in", accesses[j].access, "in", tries[i].try};

            make_tree();
            check(tries[i].name, accesses[j].name, child_run(confine_and_try, &task),
                  tries[i].allowed & accesses[j].bit, tries[i].refusal);
            task.where = "out";
            make_tree();
            check(tries[i].name, "outside", child_run(confine_and_try, &task), tries[i].allowed & NO, tries[i].refusal);
        }
    }
}

static int deny_parents(struct landlock *landlock, int abi) {
    return landlock_deny_parents(landlock, abi, false);
}

static int deny_parents_and_reading(struct landlock *landlock, int abi) {
    return landlock_deny_parents(landlock, abi, true);
}

/* A child has all rights of the gate, except that it may remove and move files only where that is allowed again. */
static void test_deny_parents(void **state) {
    (void)state;
    if (has_no_landlock()) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        struct task task = {deny_parents, "in", LANDLOCK_CHANGE, "in", tries[i].try};

        make_tree();
        check(tries[i].name, "a child, inside", child_run(confine_and_try, &task), true, 0);
        task.where = "out";
        make_tree();
        check(tries[i].name, "a child, outside", child_run(confine_and_try, &task), tries[i].allowed & PARENT,
              tries[i].refusal);
    }
}

/* If the gate may read more than its child, the child reads only paths that are allowed again. */
static void test_deny_reading(void **state) {
    static const struct {
        const char *name;
        int (*try)(void);
    } reads[] = {{"read", read_file}, {"list", list_folder}};

    (void)state;
    if (has_no_landlock()) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        struct task task = {deny_parents_and_reading, "in", LANDLOCK_READ, "in", reads[i].try};

        make_tree();
        expect_int(reads[i].name, child_run(confine_and_try, &task), 0);
        task.where = "out";
        expect_int(reads[i].name, child_run(confine_and_try, &task), EACCES);
        task.deny = deny_parents;
        expect_int(reads[i].name, child_run(confine_and_try, &task), 0);
    }
}

static int read_other(void) {
    return try_open("other", O_RDONLY);
}

/* @path: allowed, while the folder is not */
static const struct {
    const char *name;
    const char *path;
    enum landlock_access access;
    int (*try)(void);
    bool is_allowed;
} file_cases[] = {
    {"read the file", "in/file", LANDLOCK_READ, read_file, true},
    {"read another", "in/file", LANDLOCK_READ, read_other, false},
    {"write a readable one", "in/file", LANDLOCK_READ, write_file, false},
    {"execute a readable one", "in/tool", LANDLOCK_READ, execute, false},
    {"execute an executable one", "in/tool", LANDLOCK_RUN, execute, true},
    {"read a changeable one", "in/file", LANDLOCK_CHANGE, read_file, true},
    {"write a changeable one", "in/file", LANDLOCK_CHANGE, write_file, true},
    {"remove a changeable one", "in/file", LANDLOCK_CHANGE, remove_file, false},
    {"remove a removable one", "in/file", LANDLOCK_REMOVE, remove_file, false}, /* the change is in the folder */
    {"list its folder", "in/file", LANDLOCK_CHANGE, list_folder, false},
    {"read below a folder above", ".", LANDLOCK_READ, read_file, true},
    {"read through a link to the folder", "link", LANDLOCK_READ, read_file, true},
};

static void test_file(void **state) {
    (void)state;
    if (has_no_landlock()) {
        skip();
    }
    assert_int_equal(symlink("in", "link"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
        struct task task = {landlock_deny_all, file_cases[i].path, file_cases[i].access, "in", file_cases[i].try};

        make_tree();
        check(file_cases[i].name, file_cases[i].path, child_run(confine_and_try, &task), file_cases[i].is_allowed,
              EACCES);
    }
}

static void test_nothing_there(void **state) {
    struct landlock landlock;

    (void)state;
    if (has_no_landlock()) {
        skip();
    }
    make_tree();
    assert_int_equal(symlink("nothing", "dangling"), 0);
    assert_int_equal(landlock_deny_all(&landlock, landlock_abi()), 0);
    assert_true(landlock.fd >= 0);
    assert_true(fcntl(landlock.fd, F_GETFD) & FD_CLOEXEC);
    for (enum landlock_access access = 0; access < LANDLOCK_ACCESS_COUNT; access++) {
        assert_int_equal(landlock_allow(&landlock, "nothing", access), -ENOENT);
        assert_int_equal(landlock_allow(&landlock, "dangling", access), -ENOENT);
        assert_int_equal(landlock_allow(&landlock, "in/file/below", access), -ENOTDIR);
        assert_int_equal(landlock_allow(&landlock, "in/file", access), 0);
        assert_int_equal(landlock_allow(&landlock, "/dev/null", access), 0);
    }
    landlock_deinit(&landlock);
    landlock_deinit(&landlock); /* a second time does nothing */
}

/* ---- denials other than of files ---- */

static struct sockaddr_un abstract;
static struct sockaddr_in tcp = {.sin_family = AF_INET};

static int signal_parent(void) {
    return errno_of(kill(getppid(), 0) == 0);
}

static int signal_self(void) {
    return errno_of(kill(getpid(), 0) == 0);
}

static int connect_abstract(void) {
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return errno_of(connect(fd, (struct sockaddr *)&abstract, sizeof(abstract)) == 0);
}

static int connect_tcp(void) {
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return errno_of(connect(fd, (struct sockaddr *)&tcp, sizeof(tcp)) == 0);
}

static int bind_tcp(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return errno_of(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
}

static const struct {
    const char *name;
    int (*try)(void);
    int abi;
    int of_gate;  /* the refusal, 0 for none */
    int of_child; /* the same under the ruleset for children */
} other_cases[] = {
    {"signal the parent", signal_parent, 6, EPERM, EPERM},
    {"signal oneself", signal_self, 2, 0, 0},
    {"connect to an abstract socket", connect_abstract, 6, EPERM, 0},
    {"connect by TCP", connect_tcp, 4, EACCES, 0},
    {"bind a TCP port", bind_tcp, 4, EACCES, 0},
};

static void test_no_files(void **state) {
    _cleanup_fd_ int unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_fd_ int tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (has_no_landlock()) {
        skip();
    }
    abstract.sun_family = AF_UNIX;
    (void)snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1, "git-gate-test-%d", (int)getpid());
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(unix_fd, (struct sockaddr *)&abstract, sizeof(abstract)), 0);
    assert_int_equal(listen(unix_fd, 8), 0);
    assert_int_equal(bind(tcp_fd, (struct sockaddr *)&tcp, sizeof(tcp)), 0);
    assert_int_equal(listen(tcp_fd, 8), 0);
    assert_int_equal(getsockname(tcp_fd, (struct sockaddr *)&tcp, &(socklen_t){sizeof(tcp)}), 0);
    for (size_t i = 0; i < ARRAY_SIZE(other_cases); i++) {
        struct task task = {landlock_deny_all, ".", LANDLOCK_CHANGE, ".", other_cases[i].try};
        bool can_refuse = other_cases[i].abi <= landlock_abi();

        expect_int(other_cases[i].name, child_run(confine_and_try, &task), can_refuse ? other_cases[i].of_gate : 0);
        task.deny = deny_parents;
        expect_int(other_cases[i].name, child_run(confine_and_try, &task), can_refuse ? other_cases[i].of_child : 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_deny_all), IN_FOLDER(test_deny_parents),  IN_FOLDER(test_deny_reading),
        IN_FOLDER(test_file),     IN_FOLDER(test_nothing_there), IN_FOLDER(test_no_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
