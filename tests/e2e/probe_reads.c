/* SPDX-License-Identifier: Apache-2.0 */

/* Probes that read files which are no business of a hook. */

#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

enum {
    HANDLE_BYTES = 128, /* MAX_HANDLE_SZ */
};

static int read_path(const char *path) {
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno;
    }
    return result(read(fd, &byte, 1));
}

static int list_path(const char *path) {
    return result_fd(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int read_shadow(void) {
    return read_path("/etc/shadow");
}

static int read_hostname(void) {
    return read_path("/etc/hostname");
}

static int read_neighbour(void) {
    return read_path(in("neighbour", "HEAD"));
}

static int read_home(void) {
    return read_path(in("outside", "file"));
}

static int list_home(void) {
    return list_path(given("outside"));
}

static int list_root(void) {
    return list_path("/");
}

static int list_tmp(void) {
    return list_path("/tmp");
}

static int list_socket_folder(void) {
    return list_path(given("socket_folder"));
}

static int read_token(void) {
    return read_path(given("token_file"));
}

static int read_of_process(const char *process, const char *name, int flags) {
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%s/%s", process, name);
    return result_fd(open(path, flags | O_CLOEXEC));
}

static int read_gate_environ(void) {
    return read_of_process(given("gate"), "environ", O_RDONLY);
}

static int read_gate_mem(void) {
    return read_of_process(given("gate"), "mem", O_RDONLY);
}

static int write_gate_mem(void) {
    return read_of_process(given("gate"), "mem", O_WRONLY);
}

static int list_gate_descriptors(void) {
    return read_of_process(given("gate"), "fd", O_RDONLY);
}

static int read_victim_environ(void) {
    return read_of_process(given("victim"), "environ", O_RDONLY);
}

static int read_own_environ(void) {
    return read_of_process("self", "environ", O_RDONLY);
}

static int open_terminal(void) {
    return result_fd(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
}

/* Watches a folder that may not be listed. */
static int watch_home(void) {
    int fd = inotify_init1(IN_CLOEXEC);

    return fd < 0 ? errno : result(inotify_add_watch(fd, given("outside"), IN_CREATE));
}

struct handle {
    unsigned bytes;
    int type;
    unsigned char data[HANDLE_BYTES];
};

static int name_handle(void) {
    struct handle handle = {.bytes = HANDLE_BYTES};
    int mount;

    return result(syscall(SYS_name_to_handle_at, AT_FDCWD, "HEAD", &handle, &mount, 0));
}

/* Without its name: any number is a name. */
static int open_handle(void) {
    struct handle handle = {.bytes = 8, .type = 1};
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return result_fd(syscall(SYS_open_by_handle_at, folder, &handle, O_RDONLY));
}

const struct probe read_probes[] = {
    {"read_shadow", read_shadow},
    {"read_hostname", read_hostname},
    {"read_neighbour", read_neighbour},
    {"read_home", read_home},
    {"list_home", list_home},
    {"list_root", list_root},
    {"list_tmp", list_tmp},
    {"list_socket_folder", list_socket_folder},
    {"read_token", read_token},
    {"read_gate_environ", read_gate_environ},
    {"read_gate_mem", read_gate_mem},
    {"write_gate_mem", write_gate_mem},
    {"list_gate_descriptors", list_gate_descriptors},
    {"read_victim_environ", read_victim_environ},
    {"read_own_environ", read_own_environ},
    {"open_terminal", open_terminal},
    {"watch_home", watch_home},
    {"name_handle", name_handle},
    {"open_handle", open_handle},
    {0},
};
