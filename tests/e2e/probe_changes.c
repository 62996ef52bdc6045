/* SPDX-License-Identifier: Apache-2.0 */

/* Probes that change files and folders which are no business of a hook, or make objects that git never makes. */

#include "probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

enum {
    SETXATTRAT = 463, /* Linux 6.13, with the same number on nearly all architectures */
    REMOVEXATTRAT = 466,
    FILE_SETATTR = 469, /* Linux 6.17 */
};

static int create_path(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 ? errno : undone(unlink(path));
}

static int create_outside(void) {
    return create_path(in("outside", "probe"));
}

static int create_neighbour(void) {
    return create_path(in("neighbour", "probe"));
}

static int create_tmp(void) {
    return create_path("/tmp/git-gate-probe");
}

static int create_var_tmp(void) {
    return create_path("/var/tmp/git-gate-probe");
}

static int create_shm(void) {
    return create_path("/dev/shm/git-gate-probe");
}

static int create_hook(void) {
    return create_path(in("hooks", "probe-hook"));
}

static int create_exec(void) {
    return create_path(in("exec", "git-probe"));
}

static int make_folder(void) {
    const char *path = in("outside", "folder");

    return mkdir(path, 0700) < 0 ? errno : undone(rmdir(path));
}

/* Writes the file's own first byte, so that the file stays as it is. */
static int overwrite(void) {
    int fd = open(in("outside", "file"), O_WRONLY | O_CLOEXEC);

    return fd < 0 ? errno : result(write(fd, "s", 1));
}

static int append(void) {
    struct stat status = {0};
    int fd = open(in("outside", "file"), O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd < 0) {
        return errno;
    }
    return fstat(fd, &status) < 0 || write(fd, "x", 1) != 1 ? errno : undone(ftruncate(fd, status.st_size));
}

/* Truncates the file to its present size. */
static int truncate_outside(void) {
    const char *path = in("outside", "file");
    struct stat status;

    return stat(path, &status) < 0 ? errno : result(truncate(path, status.st_size));
}

static int create_over(void) {
    return result_fd(open(in("outside", "empty"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

static int unlink_and_remake(const char *path) {
    return unlink(path) < 0 ? errno : undone(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int unlink_outside(void) {
    return unlink_and_remake(in("outside", "empty"));
}

/* The gate itself may remove files there. */
static int unlink_beside_socket(void) {
    return unlink_and_remake(in("socket_folder", "decoy"));
}

static int remove_folder(void) {
    const char *path = in("outside", "empty-folder");

    return rmdir(path) < 0 ? errno : undone(mkdir(path, 0700));
}

static int move(const char *from, const char *to) {
    return rename(from, to) < 0 ? errno : undone(rename(to, from));
}

static int rename_out(void) {
    return move("description", in("outside", "probe"));
}

static int rename_in(void) {
    return move(in("outside", "file"), "probe.moved");
}

static int make_link(const char *from, const char *to) {
    return link(from, to) < 0 ? errno : undone(unlink(to));
}

static int link_in(void) {
    return make_link(in("outside", "file"), "probe.link");
}

static int link_out(void) {
    return make_link("description", in("outside", "probe"));
}

static int make_symlink(void) {
    return symlink("/etc/hostname", "probe.symlink") < 0 ? errno : undone(unlink("probe.symlink"));
}

static int make_node(mode_t mode, dev_t device) {
    return mknod("probe.node", mode | 0600, device) < 0 ? errno : undone(unlink("probe.node"));
}

static int make_fifo(void) {
    return make_node(S_IFIFO, 0);
}

static int make_socket(void) {
    return make_node(S_IFSOCK, 0);
}

static int make_device(void) {
    return make_node(S_IFCHR, 0x103); /* that of /dev/null */
}

/* A rename that leaves a device of number 0 behind, for overlay file systems. */
static int leave_device(void) {
    int fd = open("probe.moved", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error;

    if (fd < 0) {
        return errno;
    }
    (void)close(fd);
    error = renameat2(AT_FDCWD, "probe.moved", AT_FDCWD, "probe.away", RENAME_WHITEOUT) < 0 ? errno : 0;
    (void)unlink("probe.moved");
    (void)unlink("probe.away");
    return error;
}

/* To its present one. */
static int change_mode(void) {
    const char *path = in("outside", "file");
    struct stat status;

    return stat(path, &status) < 0 ? errno : result(chmod(path, status.st_mode & 07777));
}

/* A program that runs as this user, no matter who starts it. */
static int set_user_id(void) {
    int fd = open("probe.made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : result(fchmod(fd, S_ISUID | 0700));

    (void)unlink("probe.made");
    return error;
}

static int make_with_user_id(void) {
    int fd = open("probe.made", O_WRONLY | O_CREAT | O_CLOEXEC, S_ISUID | 0700);

    return fd < 0 ? errno : undone(unlink("probe.made"));
}

/* Opens a read-only file of its own, and truncates it on the way. */
static int empty_by_reading(void) {
    int fd = open("probe.made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : result_fd(open("probe.made", O_RDONLY | O_TRUNC | O_CLOEXEC));

    (void)unlink("probe.made");
    return error;
}

/* With such a lease, anybody who opens the file for writing must wait. */
static int hold_hook(void) {
    int fd = open(in("hooks", "probe"), O_RDONLY | O_CLOEXEC);

    return fd < 0 ? errno : result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static int set_flags(void) {
    int fd = open(in("hooks", "probe"), O_RDONLY | O_CLOEXEC);
    int flags = 0;

    return fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ? errno : result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static int change_times(void) {
    return result(utimensat(AT_FDCWD, in("outside", "file"), NULL, 0));
}

static int change_owner(void) {
    return result(chown(in("outside", "file"), getuid(), getgid()));
}

static int set_attribute(void) {
    return setxattr(in("outside", "file"), "user.probe", "x", 1, 0) < 0
               ? errno
               : undone(removexattr(in("outside", "file"), "user.probe"));
}

static int set_attribute_at(void) {
    struct {
        uint64_t value;
        uint32_t size;
        uint32_t flags;
    } arguments = {(uintptr_t) "x", 1, 0};

    return syscall(SETXATTRAT, AT_FDCWD, in("outside", "file"), 0, "user.probe", &arguments, sizeof(arguments)) < 0
               ? errno
               : undone(syscall(REMOVEXATTRAT, AT_FDCWD, in("outside", "file"), 0, "user.probe"));
}

/* With a size that no kernel accepts. */
static int set_file_attributes(void) {
    uint64_t attributes[3] = {0};

    return result(syscall(FILE_SETATTR, AT_FDCWD, in("outside", "file"), attributes, (size_t)1, 0));
}

/* A program that the hook made itself. */
static int execute_copy(void) {
    static char bytes[1 << 20];
    int from = open(in("hooks", "probe"), O_RDONLY | O_CLOEXEC);
    int to = open("probe.copy", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    ssize_t size = read(from, bytes, sizeof(bytes));
    int status = 0;

    if (size <= 0 || write(to, bytes, (size_t)size) != size) {
        return EIO;
    }
    (void)close(to);
    if (fork() == 0) {
        (void)execl("./probe.copy", "probe", NULL);
        _exit(errno);
    }
    (void)wait(&status);
    (void)unlink("probe.copy");
    return WEXITSTATUS(status);
}

/* A program in no folder: an empty file, which cannot run. */
static int execute_memory(void) {
    char *const none[] = {NULL};
    int fd = memfd_create("probe", 0);

    return fd < 0 ? errno : result(fexecve(fd, none, none));
}

const struct probe change_probes[] = {
    {"create_outside", create_outside},
    {"create_neighbour", create_neighbour},
    {"create_tmp", create_tmp},
    {"create_var_tmp", create_var_tmp},
    {"create_shm", create_shm},
    {"create_hook", create_hook},
    {"create_exec", create_exec},
    {"make_folder", make_folder},
    {"overwrite", overwrite},
    {"append", append},
    {"truncate", truncate_outside},
    {"create_over", create_over},
    {"unlink_outside", unlink_outside},
    {"unlink_beside_socket", unlink_beside_socket},
    {"remove_folder", remove_folder},
    {"rename_out", rename_out},
    {"rename_in", rename_in},
    {"link_in", link_in},
    {"link_out", link_out},
    {"make_symlink", make_symlink},
    {"make_fifo", make_fifo},
    {"make_socket", make_socket},
    {"make_device", make_device},
    {"leave_device", leave_device},
    {"change_mode", change_mode},
    {"set_user_id", set_user_id},
    {"make_with_user_id", make_with_user_id},
    {"empty_by_reading", empty_by_reading},
    {"hold_hook", hold_hook},
    {"set_flags", set_flags},
    {"change_times", change_times},
    {"change_owner", change_owner},
    {"set_attribute", set_attribute},
    {"set_attribute_at", set_attribute_at},
    {"set_file_attributes", set_file_attributes},
    {"execute_copy", execute_copy},
    {"execute_memory", execute_memory},
    {0},
};
