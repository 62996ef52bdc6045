/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The filter of system calls refuses its calls, lets git's own calls go on, and applies only to its thread. Each
 * refused call is also made without the filter, with harmless arguments, to show that the filter refuses it. A call
 * that fails even then, by a lack of privileges or a confinement around the test, shows nothing.
 */

#include "unit_child.h"

#include <limits.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine/seccomp.h"

#define SESSION_KEY 0x1234567L
#define FCHMODAT2 452L /* the same on all architectures, except for an offset of some */
#define SETXATTRAT 463L
#define OPENAT2 437L
#define BAD_POINTER 1L
#define BAD_FD (-1L)
#define BAD_NUMBER 0x7fffff00L

enum {
    TRIED_MIN = 12,      /* of the calls: a process may make more than that, even in a container */
    CHILD_SKIPPED = 254, /* this machine shows nothing; the child has said so */
};

/* @arguments: harmless if the call is let through */
static const struct {
    const char *name;
    long number;
    long arguments[6];
} refused[] = {
    {"socket", SYS_socket, {AF_UNIX, BAD_NUMBER}},
    {"socket of TCP", SYS_socket, {AF_INET, BAD_NUMBER}},
    {"socketpair", SYS_socketpair, {AF_UNIX, BAD_NUMBER}},
    {"connect", SYS_connect, {BAD_FD, BAD_POINTER}},
    {"bind", SYS_bind, {BAD_FD, BAD_POINTER}},
    {"listen", SYS_listen, {BAD_FD}},
    {"sendmsg", SYS_sendmsg, {BAD_FD, BAD_POINTER}},
    {"sendmmsg", SYS_sendmmsg, {BAD_FD, BAD_POINTER}},
    {"recvmsg", SYS_recvmsg, {BAD_FD, BAD_POINTER}},
    {"recvmmsg", SYS_recvmmsg, {BAD_FD, BAD_POINTER}},
    {"sendto with an address", SYS_sendto, {BAD_FD, BAD_POINTER, 0, 0, BAD_POINTER, 16}},
    {"setpgid", SYS_setpgid, {BAD_NUMBER, BAD_NUMBER}},
    {"io_setup", SYS_io_setup, {0, BAD_POINTER}},
    {"ptrace", SYS_ptrace, {BAD_NUMBER, BAD_FD}},
    {"process_vm_readv", SYS_process_vm_readv, {BAD_FD, BAD_POINTER, 1, BAD_POINTER}},
    {"process_vm_writev", SYS_process_vm_writev, {BAD_FD, BAD_POINTER, 1, BAD_POINTER}},
    {"kcmp", SYS_kcmp, {BAD_FD, BAD_FD, BAD_NUMBER}},
    {"shmget", SYS_shmget, {1, 0, 0}},
    {"semget", SYS_semget, {1, -1, 0}},
    {"msgget", SYS_msgget, {1, 0}},
    {"mq_open", SYS_mq_open, {BAD_POINTER}},
    {"mount", SYS_mount, {BAD_POINTER, BAD_POINTER, BAD_POINTER}},
    {"umount2", SYS_umount2, {BAD_POINTER}},
    {"pivot_root", SYS_pivot_root, {BAD_POINTER, BAD_POINTER}},
    {"chroot", SYS_chroot, {BAD_POINTER}},
    {"unshare", SYS_unshare, {BAD_NUMBER}},
    {"setns", SYS_setns, {BAD_FD, 0}},
    {"name_to_handle_at", SYS_name_to_handle_at, {BAD_FD, BAD_POINTER, BAD_POINTER, BAD_POINTER}},
    {"open_by_handle_at", SYS_open_by_handle_at, {BAD_FD, BAD_POINTER}},
    {"truncate", SYS_truncate, {BAD_POINTER}},
    {"fchownat", SYS_fchownat, {BAD_FD, BAD_POINTER}},
    {"mknodat", SYS_mknodat, {BAD_FD, BAD_POINTER, S_IFIFO}},
    {"swapon", SYS_swapon, {BAD_POINTER}},
    {"add_key", SYS_add_key, {BAD_POINTER}},
    {"keyctl", SYS_keyctl, {BAD_NUMBER}},
    {"bpf", SYS_bpf, {BAD_NUMBER}},
    {"perf_event_open", SYS_perf_event_open, {BAD_POINTER}},
    {"io_uring_setup", SYS_io_uring_setup, {0, BAD_POINTER}},
    {"userfaultfd", SYS_userfaultfd, {BAD_NUMBER}},
    {"init_module", SYS_init_module, {BAD_POINTER, 0, BAD_POINTER}},
    {"finit_module", SYS_finit_module, {BAD_FD, BAD_POINTER}},
    {"delete_module", SYS_delete_module, {BAD_POINTER}},
    {"reboot", SYS_reboot, {0, 0, 0}},
    {"syslog", SYS_syslog, {BAD_NUMBER}},
    {"sethostname", SYS_sethostname, {BAD_POINTER, -1}},
    {"settimeofday", SYS_settimeofday, {BAD_POINTER}},
    {"clock_settime", SYS_clock_settime, {BAD_NUMBER, BAD_POINTER}},
    {"adjtimex", SYS_adjtimex, {BAD_POINTER}},
    /* clone(2) refuses a thread without shared signal handlers anyway */
    {"clone, mounts", SYS_clone, {CLONE_NEWNS | CLONE_THREAD}},
    {"clone, control groups", SYS_clone, {CLONE_NEWCGROUP | CLONE_THREAD}},
    {"clone, names", SYS_clone, {CLONE_NEWUTS | CLONE_THREAD}},
    {"clone, IPC", SYS_clone, {CLONE_NEWIPC | CLONE_THREAD}},
    {"clone, users", SYS_clone, {CLONE_NEWUSER | CLONE_THREAD}},
    {"clone, processes", SYS_clone, {CLONE_NEWPID | CLONE_THREAD}},
    {"clone, network", SYS_clone, {CLONE_NEWNET | CLONE_THREAD}},
    {"clone, all of them", SYS_clone, {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_THREAD}},
    {"ioctl, typing", SYS_ioctl, {BAD_FD, TIOCSTI}},
    {"ioctl, pasting", SYS_ioctl, {BAD_FD, TIOCLINUX}},
#if LONG_MAX > INT_MAX
    {"ioctl, typing, as 64 bits", SYS_ioctl, {BAD_FD, TIOCSTI | 1L << 40}},
#endif
    {"ioctl, flags of an inode", SYS_ioctl, {BAD_FD, (long)FS_IOC_SETFLAGS}},
    {"ioctl, attributes of an inode", SYS_ioctl, {BAD_FD, (long)FS_IOC_FSSETXATTR}},
    {"ioctl, version of an inode", SYS_ioctl, {BAD_FD, (long)FS_IOC_SETVERSION}},
    {"ioctl, verity", SYS_ioctl, {BAD_FD, (long)FS_IOC_ENABLE_VERITY}},
    {"ioctl, a tree of btrfs", SYS_ioctl, {BAD_FD, (long)BTRFS_IOC_SUBVOL_CREATE}},
    {"ioctl, its snapshot", SYS_ioctl, {BAD_FD, (long)BTRFS_IOC_SNAP_CREATE_V2}},
    {"ioctl, a clone", SYS_ioctl, {BAD_FD, (long)FICLONE}},
    {"openat of one with its group's rights", SYS_openat, {BAD_FD, BAD_POINTER, O_CREAT | O_WRONLY, S_ISGID | 0755}},
    {"clone, a sibling", SYS_clone, {CLONE_PARENT | CLONE_THREAD}},
    {"fcntl, a lease", SYS_fcntl, {BAD_FD, F_SETLEASE}},
    {"fcntl, a watch", SYS_fcntl, {BAD_FD, F_NOTIFY}},
    {"fchmod to its owner's rights", SYS_fchmod, {BAD_FD, S_ISUID | 0755}},
    {"fchmodat to its owner's rights", SYS_fchmodat, {BAD_FD, BAD_POINTER, S_ISUID | 0755}},
    {"fchmodat2 to its owner's rights", FCHMODAT2, {BAD_FD, BAD_POINTER, S_ISUID | 0755}},
    {"openat of one with its owner's rights", SYS_openat, {BAD_FD, BAD_POINTER, O_CREAT | O_WRONLY, S_ISUID | 0755}},
    {"openat of one without a name, too", SYS_openat, {BAD_FD, BAD_POINTER, O_TMPFILE | O_WRONLY, S_ISUID | 0755}},
    {"openat to read and empty", SYS_openat, {BAD_FD, BAD_POINTER, O_RDONLY | O_TRUNC}},
    {"openat to empty alone", SYS_openat, {BAD_FD, BAD_POINTER, O_ACCMODE | O_TRUNC}},
#ifdef __x86_64__
    {"chmod to its owner's rights", SYS_chmod, {BAD_POINTER, S_ISUID | 0755}},
    {"creat of one with its owner's rights", SYS_creat, {BAD_POINTER, S_ISUID | 0755}},
    {"open of one with its owner's rights", SYS_open, {BAD_POINTER, O_CREAT | O_WRONLY, S_ISUID | 0755}},
    {"open to read and empty", SYS_open, {BAD_POINTER, O_RDONLY | O_TRUNC}},
#endif
    {"prlimit64 of another", SYS_prlimit64, {BAD_NUMBER, 0, 0, 0}},
    {"renameat2 that leaves a device", SYS_renameat2, {BAD_FD, BAD_POINTER, BAD_FD, BAD_POINTER, RENAME_WHITEOUT}},
};

/* Calls that fail with another error, which makes programs find another way. */
static const struct {
    const char *name;
    long number;
    long arguments[6];
    int cause;
} otherwise[] = {
    {"setxattr", SYS_setxattr, {BAD_POINTER, BAD_POINTER}, EOPNOTSUPP},
    {"lremovexattr", SYS_lremovexattr, {BAD_POINTER, BAD_POINTER}, EOPNOTSUPP},
    {"setxattrat", SETXATTRAT, {BAD_FD, BAD_POINTER}, EOPNOTSUPP},
    {"openat2", OPENAT2, {BAD_FD, BAD_POINTER}, ENOSYS},
};

/* Calls of git, its hooks and the gate itself; 0 or more on success. */
static const struct {
    const char *name;
    long number;
    long arguments[6];
    int cause; /* an errno, 0 for none: that of the kernel, not of the filter */
} allowed[] = {
    {"getpid", SYS_getpid, {0}, 0},
    {"prlimit64 of oneself", SYS_prlimit64, {0, RLIMIT_CORE, 0, 0}, 0},
    {"ioctl, another", SYS_ioctl, {BAD_FD, TCGETS}, EBADF},
    {"kill", SYS_kill, {0, 0}, 0},
    {"fchmod", SYS_fchmod, {BAD_FD, 0}, EBADF},
    {"ftruncate", SYS_ftruncate, {BAD_FD, 0}, EBADF},
    {"sendto without an address", SYS_sendto, {BAD_FD, BAD_POINTER, 0, 0, 0, 0}, EBADF},
    {"recvfrom", SYS_recvfrom, {BAD_FD, 0}, EBADF},
    {"fcntl, another", SYS_fcntl, {BAD_FD, F_GETFL}, EBADF},
    {"fchmod for the group", SYS_fchmod, {BAD_FD, S_ISGID | 0770}, EBADF},
    {"openat to empty a file", SYS_openat, {BAD_FD, (long)"x", O_WRONLY | O_TRUNC}, EBADF},
    {"openat for a file that is there, and what looks like a mode",
     SYS_openat,
     {BAD_FD, (long)"x", O_RDONLY, S_ISUID},
     EBADF},
    {"accept4", SYS_accept4, {BAD_FD, 0}, EBADF},
    {"renameat2", SYS_renameat2, {BAD_FD, (long)"x", BAD_FD, (long)"y", RENAME_NOREPLACE}, EBADF},
    {"clone, nothing new", SYS_clone, {CLONE_THREAD}, EINVAL},
};

/* Asks the kernel itself, with a filter at an invalid address, so that no fault of the gate hides the answer. */
static bool has_filters(void) {
    bool has = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;

    if (!has) {
        print_message("# this kernel has no filter of system calls\n");
    }
    return has;
}

static void enforce(void) {
    child_expect("enforce", seccomp_enforce(SESSION_KEY) == 0);
}

static int call(long number, const long *arguments) {
    return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]) < 0
               ? errno
               : 0;
}

/* Runs @body in a child and checks that it succeeded. */
static void run(int (*body)(const void *argument)) {
    int r;

    if (!has_filters()) {
        skip();
    }
    r = child_run(body, NULL);
    if (r == CHILD_SKIPPED) {
        skip();
    }
    assert_int_equal(r, 0);
}

/* Returns how many calls succeed without the filter, and names the others. */
static size_t count_possible(void) {
    size_t n_possible = 0;

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        if (call(refused[i].number, refused[i].arguments) == EPERM) {
            (void)dprintf(STDERR_FILENO, "# %s: refused without the filter, too, so not counted\n", refused[i].name);
        } else {
            n_possible++;
        }
    }
    return n_possible;
}

static int call_all(const void *argument) {
    bool is_confined = prctl(PR_GET_SECCOMP) != SECCOMP_MODE_DISABLED;
    size_t n_tried = count_possible();

    (void)argument;
    child_expect("enough to try", n_tried >= TRIED_MIN || is_confined);
    enforce();
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        errno = call(refused[i].number, refused[i].arguments);
        child_expect(refused[i].name, errno == EPERM);
    }
    for (size_t i = 0; i < ARRAY_SIZE(otherwise); i++) {
        errno = call(otherwise[i].number, otherwise[i].arguments);
        child_expect(otherwise[i].name, errno == otherwise[i].cause);
    }
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        errno = call(allowed[i].number, allowed[i].arguments);
        child_expect(allowed[i].name, errno == allowed[i].cause);
    }
    if (n_tried < TRIED_MIN) {
        (void)dprintf(STDERR_FILENO, "# whoever confines this test refuses all but %zu of the calls\n", n_tried);
        return CHILD_SKIPPED;
    }
    return 0;
}

static void test_calls(void **state) {
    (void)state;
    run(call_all);
}

/* Not EPERM: libc goes on with clone(2) if the kernel seems too old for clone3(2). */
static int call_clone3(const void *argument) {
    bool is_there = syscall(SYS_clone3, NULL, 0L) < 0 && errno == EINVAL;

    (void)argument;
    enforce();
    child_expect("after", syscall(SYS_clone3, NULL, 0L) < 0 && errno == ENOSYS);
    if (!is_there) {
        (void)dprintf(STDERR_FILENO, "# clone3: not there without the filter either\n");
        return CHILD_SKIPPED;
    }
    return 0;
}

static void test_clone3(void **state) {
    (void)state;
    run(call_clone3);
}

/* The process leads no group, so only the filter can refuse the call. */
static int begin_session(const void *argument) {
    pid_t pid;
    int status;

    (void)argument;
    enforce();
    pid = fork();
    child_expect("fork", pid >= 0);
    if (pid == 0) {
        child_expect("without the key", setsid() < 0 && errno == EPERM);
        child_expect("with another", syscall(SYS_setsid, SESSION_KEY + 1) < 0 && errno == EPERM);
        child_expect("with the key", syscall(SYS_setsid, SESSION_KEY) == getpid());
        _exit(0);
    }
    child_expect("its end", waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static void test_a_session_takes_the_key(void **state) {
    (void)state;
    run(begin_session);
}

#ifdef __x86_64__
/* getpid(2) as a program of 32 bits would call it: number 20 there. A kernel without such programs sends a signal. */
static int call_as_i386(void) {
    long result = 20;

    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result < 0 ? (int)-result : 0;
}

static int call_as_x32(void) {
    return syscall(0x40000000L | SYS_getpid) < 0 ? errno : 0;
}

static const struct other {
    const char *name;
    int (*call)(void);
} others[] = {{"i386", call_as_i386}, {"x32", call_as_x32}};

static int call_free(const void *argument) {
    return ((const struct other *)argument)->call();
}

static int call_confined(const void *argument) {
    enforce();
    return ((const struct other *)argument)->call();
}

static void test_other_architectures(void **state) {
    (void)state;
    if (!has_filters()) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        int before = child_run(call_free, &others[i]);

        if (before) {
            print_message("# %s: no such programs here (%d)\n", others[i].name, before);
        }
        expect_int(others[i].name, child_run(call_confined, &others[i]), before < 0 ? before : EPERM);
    }
}
#endif

/* ---- calls that go on ---- */

static void *write_one(void *argument) {
    int *fd = argument;

    return write(*fd, "x", 1) == 1 ? argument : NULL;
}

static int work(const void *argument) {
    int pipe_fds[2];
    int pair[2];
    pthread_t thread;
    void *result = NULL;
    char byte = 0;
    int status;
    pid_t pid;

    (void)argument;
    child_expect("sockets made before", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    enforce();
    child_expect("send", send(pair[0], "y", 1, MSG_NOSIGNAL) == 1);
    child_expect("recv", recv(pair[1], &byte, 1, 0) == 1 && byte == 'y');
    child_expect("pipe", pipe2(pipe_fds, O_CLOEXEC) == 0);
    child_expect("thread", pthread_create(&thread, NULL, write_one, &pipe_fds[1]) == 0);
    child_expect("thread", pthread_join(thread, &result) == 0 && result);
    child_expect("read", read(pipe_fds[0], &byte, 1) == 1 && byte == 'x');
    child_expect("mkdir", mkdir("made", 0700) == 0);
    child_expect("chmod", chmod("made", 0755) == 0);
    child_expect("rename", rename("made", "moved") == 0);
    child_expect("setrlimit", setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
    pid = fork();
    child_expect("fork", pid >= 0);
    if (pid == 0) {
        (void)execl("/bin/sh", "sh", "-c", "echo hello | cat >written && rmdir moved", (char *)NULL);
        _exit(CHILD_FAILED);
    }
    child_expect("program", waitpid(pid, &status, 0) == pid && status == 0);
    child_expect("its file", access("written", F_OK) == 0);
    return 0;
}

static void test_work_goes_on(void **state) {
    (void)state;
    run(work);
}

/* The filter also holds for executed programs. */
static int execute(const void *argument) {
    (void)argument;
    enforce();
    (void)execl("/bin/sh", "sh", "-c", "LC_ALL=C mkfifo pipe 2>errors", (char *)NULL);
    return CHILD_FAILED;
}

static void test_programs_are_under_it(void **state) {
    char text[512] = "";
    int fd;

    (void)state;
    if (!has_filters()) {
        skip();
    }
    assert_int_equal(child_run(execute, NULL), 1);
    fd = open("errors", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    assert_int_equal(close(fd), 0);
    assert_non_null(strstr(text, "not permitted"));
}

/* ---- a thread, and the threads beside it ---- */

static void *enforce_in_thread(void *argument) {
    enforce();
    child_expect("refused", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 && errno == EPERM);
    return argument;
}

static int enforce_beside(const void *argument) {
    pthread_t thread;

    (void)argument;
    child_expect("thread", pthread_create(&thread, NULL, enforce_in_thread, NULL) == 0);
    child_expect("thread", pthread_join(thread, NULL) == 0);
    child_expect("free", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
    return 0;
}

static void test_other_threads_stay_free(void **state) {
    (void)state;
    run(enforce_beside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_clone3),
        cmocka_unit_test(test_a_session_takes_the_key),
#ifdef __x86_64__
        cmocka_unit_test(test_other_architectures),
#endif
        IN_FOLDER(test_work_goes_on),
        IN_FOLDER(test_programs_are_under_it),
        cmocka_unit_test(test_other_threads_stay_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
