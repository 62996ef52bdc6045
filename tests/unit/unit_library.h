/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by the tests of the library: a folder with real repositories, servers made of options, a client of a few
 * lines, and counts of a process's resources. Like a program that uses the library, they know only gitgate.h.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gitgate.h>

#include "expect.h"

#define TOKEN "0123456789abcdef"
#define CREDENTIALS "MDEyMzQ1Njc4OWFiY2RlZjo=" /* TOKEN and a colon, in base64 */

enum {
    N_REPOSITORIES = 3,
    WAIT_MS = 10000,
    ANSWER_MAX = 4096,
    WATCHDOG_S = 100, /* a hanging call ends the test */
};

/* Under a sanitizer, everything takes several times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void); /* NOLINT(bugprone-reserved-identifier): the sanitizers' own */
enum { IS_SANITIZED = 1 };
#define heap_bytes() ((long)__sanitizer_get_current_allocated_bytes())
#else
enum { IS_SANITIZED = 0 };
#define heap_bytes() ((long)mallinfo2().uordblks)
#endif

/* ---- a folder with repositories ---- */

static char place[PATH_MAX]; /* absolute, without links; nothing has it as the working directory */

static inline void run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs commands in the folder, with git's configuration out of the way. */
static inline void run_shell(const char *format, ...) {
    char commands[4096];
    char whole[2 * PATH_MAX + sizeof(commands)];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(commands, sizeof(commands), format, arguments);
    va_end(arguments);
    (void)snprintf(whole, sizeof(whole),
                   "set -e; cd '%s'; export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 "
                   "GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org GIT_COMMITTER_NAME=Ada "
                   "GIT_COMMITTER_EMAIL=ada@example.org; %s",
                   place, commands);
    assert_int_equal(system(whole), 0);
}

static inline void *end_at_once(void *argument) {
    return argument;
}

/* repo0.git to repo2.git, each with one commit of its own; work, a repository with another commit to push. */
static inline int place_begin(void **state) {
    char template[] = "/tmp/git-gate-test-XXXXXX";
    pthread_t thread;

    (void)state;
    (void)alarm(WATCHDOG_S);
    assert_int_equal(pthread_create(&thread, NULL, end_at_once, NULL), 0); /* brings a sanitizer's own */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(mkdtemp(template));
    assert_non_null(realpath(template, place));
    for (int i = 0; i < N_REPOSITORIES; i++) {
        run_shell("git init --quiet --bare --initial-branch=main repo%d.git; cd repo%d.git;"
                  "git update-ref refs/heads/main $(git commit-tree -m 'of %d' $(git mktree </dev/null))",
                  i, i, i);
    }
    run_shell("git init --quiet --initial-branch=main work; cd work; git commit --quiet --allow-empty -m new");
    return 0;
}

static inline int place_remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static inline int place_end(void **state) {
    (void)state;
    return nftw(place, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path below the folder; the text is overwritten at the next call of the same thread. */
static inline const char *in_place(const char *name) {
    static _Thread_local char path[2 * PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", place, name);
    return path;
}

/* ---- servers ---- */

static inline bool has_landlock(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
}

static inline void set(struct gate_config *config, const char *name, const char *value) {
    struct gate_error error = {0};

    if (gate_config_set(config, name, value, &error) != 0) {
        fail_msg("%s=%s: %s", name, value, error.message);
    }
}

/* A repository with TOKEN, and no transport yet. */
static inline struct gate_config *config_of(const char *scope) {
    struct gate_config *config = NULL;

    assert_int_equal(gate_config_new(&config), 0);
    set(config, "mirror-root", place);
    set(config, "scope", scope);
    set(config, "token", TOKEN);
    set(config, "drain-timeout", "60");
    return config;
}

static inline struct gate_config *config_begin(void) {
    return config_of("repo0");
}

/* Makes a server of a configuration, and frees the configuration. */
static inline struct gate_server *server_of(struct gate_config *config) {
    struct gate_server *server = NULL;
    struct gate_error error = {0};

    if (gate_server_new(&server, config, &error) != 0) {
        fail_msg("gate_server_new: %s", error.message);
    }
    assert_null(gate_config_free(config));
    assert_null(gate_server_address(server));
    return server;
}

static inline struct gate_server *server_with(const char *name, const char *value) {
    struct gate_config *config = config_begin();

    set(config, name, value);
    return server_of(config);
}

static inline void start(struct gate_server *server) {
    struct gate_error error = {0};

    if (gate_server_start(server, &error) != 0) {
        fail_msg("gate_server_start: %s", error.message);
    }
    assert_non_null(gate_server_address(server));
}

/* For a thread. Its result is NULL on success. */
static inline void *stop_it(void *server) {
    return gate_server_stop(server) ? server : NULL;
}

static inline void expect_joined(pthread_t thread) {
    void *result = &thread;

    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
}

/* ---- a client ---- */

/* Connects to what gate_server_address() says. Return: a socket, or -1. */
static inline int dial(const char *address) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r;

    if (is_unix) {
        size_t size = strlen(address + 5);

        assert_true(size < sizeof(un.sun_path));
        memcpy(un.sun_path, address + 5, size + 1);
        r = connect(fd, (struct sockaddr *)&un, sizeof(un));
    } else {
        in.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
        r = connect(fd, (struct sockaddr *)&in, sizeof(in));
    }
    if (r < 0 && fd >= 0) {
        (void)close(fd);
    }
    return r < 0 ? -1 : fd;
}

static inline void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Asks for a repository's references on a connection of its own. Return: the status, or -1. */
static inline int ask(const char *address, const char *repository, const char *credentials) {
    char text[ANSWER_MAX];
    size_t size = 0;
    ssize_t n = 1;
    int fd = dial(address);

    if (fd < 0) {
        return -1;
    }
    (void)snprintf(text, sizeof(text),
                   "GET /%s.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   "Authorization: Basic %s\r\n\r\n",
                   repository, credentials);
    say(fd, text);
    while (n > 0 && size < sizeof(text) - 1) {
        n = recv(fd, text + size, sizeof(text) - 1 - size, 0);
        size += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    text[size] = '\0';
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : -1;
}

/* ---- time ---- */

static inline long now_ms(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Polls until the condition holds. */
#define wait_until(name, condition)                                                                                    \
    do {                                                                                                               \
        long deadline_ = now_ms() + WAIT_MS;                                                                           \
                                                                                                                       \
        while (!(condition)) {                                                                                         \
            expect_true(name, now_ms() < deadline_);                                                                   \
            (void)poll(NULL, 0, 1);                                                                                    \
        }                                                                                                              \
    } while (0)

/* ---- resources of a process ---- */

struct holdings {
    unsigned n_descriptors;
    unsigned n_threads;
    bool has_children;
    long heap_bytes;
    long resident_pages;
};

static inline unsigned count_entries(const char *path) {
    DIR *folder = opendir(path);
    unsigned n = 0;

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        n += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return n;
}

/* Reads a file of one of this process's threads. Return: whether it had any content. */
static inline bool read_of_thread(const char *tid, const char *name, char *text, size_t size) {
    char path[320];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/%s", tid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, size - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* A joined thread stays in /proc for a moment, with this kernel mark among its flags: proc(5). */
static inline bool is_thread_ending(const char *tid) {
    enum { PF_EXITING = 4 };
    char text[512];
    unsigned long flags = PF_EXITING;

    if (read_of_thread(tid, "stat", text, sizeof(text))) {
        (void)sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags);
    }
    return flags & PF_EXITING;
}

/* Counts the live threads of this process; if @is_wanted is not NULL, only those that it accepts. */
static inline unsigned count_threads(bool (*is_wanted)(const char *tid)) {
    DIR *folder = opendir("/proc/self/task");
    unsigned n = 0;

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        n += entry->d_name[0] != '.' && (!is_wanted || is_wanted(entry->d_name)) && !is_thread_ending(entry->d_name);
    }
    (void)closedir(folder);
    return n;
}

/* The number of stops that no server has noticed yet: the sum in all eventfds, by proc_pid_fdinfo(5). */
static inline unsigned count_stops_on_their_way(void) {
    DIR *folder = opendir("/proc/self/fdinfo");
    unsigned n = 0;

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char path[64 + sizeof(entry->d_name)];
        char text[1024] = "";
        const char *count;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && (count = strstr(text, "eventfd-count:"))) {
            n += (unsigned)strtoul(count + strlen("eventfd-count:"), NULL, 16);
        }
        (void)close(fd);
    }
    (void)closedir(folder);
    return n;
}

static inline bool has_children(void) {
    siginfo_t info = {0};

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static inline void look(struct holdings *holdings) {
    char text[128] = "";
    int fd;

    *holdings = (struct holdings){
        .n_descriptors = count_entries("/proc/self/fd"),
        .n_threads = count_threads(NULL),
        .has_children = has_children(),
        .heap_bytes = heap_bytes(),
    };
    fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    (void)close(fd);
    holdings->resident_pages = strtol(strchr(text, ' '), NULL, 10);
}

/* Counts again, as another server may have a client on its way out. A leak stays. */
static inline void expect_held(const char *name, const struct holdings *before) {
    expect_int(name, count_threads(NULL), before->n_threads);
    wait_until(name, count_entries("/proc/self/fd") == before->n_descriptors);
    expect_int(name, has_children(), before->has_children);
}
