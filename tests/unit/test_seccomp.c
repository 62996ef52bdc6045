/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The filter of system calls: what it refuses, that git's own calls go on, and that it is the thread's alone. Each call
 * that is refused is made before as well, with arguments that make it harmless, to see that it is the filter that
 * refuses it.
 */

#include "unit_child.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine/seccomp.h"

#define BAD_POINTER 1L
#define BAD_FD (-1L)
#define BAD_NUMBER 0x7fffff00L

/*
 * @is_free: anybody may call it, so that EPERM is the filter's; of the others only root sees that, and not in every
 * container
 * @arguments: that do nothing when they are let through
 */
static const struct {
    const char *name;
    long number;
    bool is_free;
    long arguments[4];
} refused[] = {
    {"socket", SYS_socket, true, {AF_UNIX, BAD_NUMBER}},
    {"socket of TCP", SYS_socket, true, {AF_INET, BAD_NUMBER}},
    {"socketpair", SYS_socketpair, true, {AF_UNIX, BAD_NUMBER}},
    {"ptrace", SYS_ptrace, false, {BAD_NUMBER, BAD_FD}},
    {"process_vm_readv", SYS_process_vm_readv, false, {BAD_FD, BAD_POINTER, 1, BAD_POINTER}},
    {"process_vm_writev", SYS_process_vm_writev, false, {BAD_FD, BAD_POINTER, 1, BAD_POINTER}},
    {"kcmp", SYS_kcmp, false, {BAD_FD, BAD_FD, BAD_NUMBER}},
    {"shmget", SYS_shmget, true, {1, 0, 0}},
    {"semget", SYS_semget, true, {1, -1, 0}},
    {"msgget", SYS_msgget, true, {1, 0}},
    {"mq_open", SYS_mq_open, true, {BAD_POINTER}},
    {"mount", SYS_mount, false, {BAD_POINTER, BAD_POINTER, BAD_POINTER}},
    {"umount2", SYS_umount2, false, {BAD_POINTER}},
    {"pivot_root", SYS_pivot_root, false, {BAD_POINTER, BAD_POINTER}},
    {"chroot", SYS_chroot, true, {BAD_POINTER}},
    {"unshare", SYS_unshare, true, {BAD_NUMBER}},
    {"setns", SYS_setns, true, {BAD_FD, 0}},
    {"name_to_handle_at", SYS_name_to_handle_at, true, {BAD_FD, BAD_POINTER, BAD_POINTER, BAD_POINTER}},
    {"open_by_handle_at", SYS_open_by_handle_at, false, {BAD_FD, BAD_POINTER}},
    {"truncate", SYS_truncate, true, {BAD_POINTER}},
    {"fchownat", SYS_fchownat, true, {BAD_FD, BAD_POINTER}},
    {"setxattr", SYS_setxattr, true, {BAD_POINTER, BAD_POINTER}},
    {"lremovexattr", SYS_lremovexattr, true, {BAD_POINTER, BAD_POINTER}},
    {"mknodat", SYS_mknodat, true, {BAD_FD, BAD_POINTER, S_IFIFO}},
    {"swapon", SYS_swapon, false, {BAD_POINTER}},
    {"add_key", SYS_add_key, false, {BAD_POINTER}},
    {"keyctl", SYS_keyctl, false, {BAD_NUMBER}},
    {"bpf", SYS_bpf, false, {BAD_NUMBER}},
    {"perf_event_open", SYS_perf_event_open, false, {BAD_POINTER}},
    {"io_uring_setup", SYS_io_uring_setup, false, {0, BAD_POINTER}},
    {"userfaultfd", SYS_userfaultfd, false, {BAD_NUMBER}},
    {"init_module", SYS_init_module, false, {BAD_POINTER, 0, BAD_POINTER}},
    {"finit_module", SYS_finit_module, false, {BAD_FD, BAD_POINTER}},
    {"delete_module", SYS_delete_module, false, {BAD_POINTER}},
    {"reboot", SYS_reboot, false, {0, 0, 0}},
    {"syslog", SYS_syslog, false, {BAD_NUMBER}},
    {"sethostname", SYS_sethostname, false, {BAD_POINTER, -1}},
    {"settimeofday", SYS_settimeofday, false, {BAD_POINTER}},
    {"clock_settime", SYS_clock_settime, false, {BAD_NUMBER, BAD_POINTER}},
    {"adjtimex", SYS_adjtimex, true, {BAD_POINTER}},
    /* what clone(2) refuses anyway is a thread without shared handlers of signals */
    {"clone, mounts", SYS_clone, true, {CLONE_NEWNS | CLONE_THREAD}},
    {"clone, control groups", SYS_clone, true, {CLONE_NEWCGROUP | CLONE_THREAD}},
    {"clone, names", SYS_clone, true, {CLONE_NEWUTS | CLONE_THREAD}},
    {"clone, IPC", SYS_clone, true, {CLONE_NEWIPC | CLONE_THREAD}},
    {"clone, users", SYS_clone, true, {CLONE_NEWUSER | CLONE_THREAD}},
    {"clone, processes", SYS_clone, true, {CLONE_NEWPID | CLONE_THREAD}},
    {"clone, network", SYS_clone, true, {CLONE_NEWNET | CLONE_THREAD}},
    {"clone, all of them", SYS_clone, true, {CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_THREAD}},
    {"ioctl, typing", SYS_ioctl, true, {BAD_FD, TIOCSTI}},
    {"ioctl, pasting", SYS_ioctl, true, {BAD_FD, TIOCLINUX}},
    {"ioctl, typing, as 64 bits", SYS_ioctl, true, {BAD_FD, TIOCSTI | 1L << 40}},
    {"prlimit64 of another", SYS_prlimit64, true, {BAD_NUMBER, 0, 0, 0}},
};

/* What git, its hooks and the gate itself do; 0 or more when all is well. */
static const struct {
    const char *name;
    long number;
    long arguments[4];
    int cause; /* an errno, 0 for none: that of the kernel, not of the filter */
} allowed[] = {
    {"getpid", SYS_getpid, {0}, 0},
    {"prlimit64 of oneself", SYS_prlimit64, {0, RLIMIT_CORE, 0, 0}, 0},
    {"ioctl, another", SYS_ioctl, {BAD_FD, TCGETS}, EBADF},
    {"kill", SYS_kill, {0, 0}, 0},
    {"fchmod", SYS_fchmod, {BAD_FD, 0}, EBADF},
    {"ftruncate", SYS_ftruncate, {BAD_FD, 0}, EBADF},
    {"connect", SYS_connect, {BAD_FD, 0}, EBADF},
    {"accept4", SYS_accept4, {BAD_FD, 0}, EBADF},
    {"clone, nothing new", SYS_clone, {CLONE_THREAD}, EINVAL},
};

static int call(long number, const long *arguments) {
    return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], 0L, 0L) < 0 ? errno : 0;
}

static int call_all(const void *argument) {
    int before[ARRAY_SIZE(refused)];

    (void)argument;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        before[i] = call(refused[i].number, refused[i].arguments);
        child_expect(refused[i].name, !refused[i].is_free || before[i] != EPERM);
    }
    child_expect("enforce", seccomp_enforce() == 0);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        errno = call(refused[i].number, refused[i].arguments);
        child_expect(refused[i].name, errno == EPERM);
    }
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        errno = call(allowed[i].number, allowed[i].arguments);
        child_expect(allowed[i].name, errno == allowed[i].cause);
    }
    return 0;
}

static void test_calls(void **state) {
    (void)state;
    assert_int_equal(child_run(call_all, NULL), 0);
}

/* Not EPERM: libc goes on with clone(2) when the kernel seems to be too old to have it. */
static int call_clone3(const void *argument) {
    (void)argument;
    child_expect("before", syscall(SYS_clone3, NULL, 0L) < 0 && errno == EINVAL);
    child_expect("enforce", seccomp_enforce() == 0);
    child_expect("after", syscall(SYS_clone3, NULL, 0L) < 0 && errno == ENOSYS);
    return 0;
}

static void test_clone3(void **state) {
    (void)state;
    assert_int_equal(child_run(call_clone3, NULL), 0);
}

#ifdef __x86_64__
/* getpid(2) as a program of 32 bits would call it: number 20 there. A kernel without such programs sends a signal. */
static int call_as_i386(const void *argument) {
    long result = 20;

    (void)argument;
    child_expect("enforce", seccomp_enforce() == 0);
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    errno = (int)-result;
    child_expect("i386", result == -EPERM);
    return 0;
}

static int call_as_x32(const void *argument) {
    (void)argument;
    child_expect("enforce", seccomp_enforce() == 0);
    child_expect("x32", syscall(0x40000000L | SYS_getpid) < 0 && errno == EPERM);
    return 0;
}

static void test_other_architectures(void **state) {
    int r = child_run(call_as_i386, NULL);

    (void)state;
    assert_true(r == 0 || r == -SIGSEGV);
    assert_int_equal(child_run(call_as_x32, NULL), 0);
}
#endif

/* ---- what goes on ---- */

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
    child_expect("enforce", seccomp_enforce() == 0);
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
    assert_int_equal(child_run(work, NULL), 0);
}

/* It holds for what is executed. */
static int execute(const void *argument) {
    (void)argument;
    child_expect("enforce", seccomp_enforce() == 0);
    (void)execl("/bin/sh", "sh", "-c", "mkfifo pipe 2>errors", (char *)NULL);
    return CHILD_FAILED;
}

static void test_programs_are_under_it(void **state) {
    char text[512] = "";
    int fd;

    (void)state;
    assert_int_equal(child_run(execute, NULL), 1);
    fd = open("errors", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    assert_int_equal(close(fd), 0);
    assert_non_null(strstr(text, "not permitted"));
}

/* ---- a thread, and the threads beside it ---- */

static void *enforce_in_thread(void *argument) {
    child_expect("enforce", seccomp_enforce() == 0);
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
    assert_int_equal(child_run(enforce_beside, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_clone3),
#ifdef __x86_64__
        cmocka_unit_test(test_other_architectures),
#endif
        IN_FOLDER(test_work_goes_on),
        IN_FOLDER(test_programs_are_under_it),
        cmocka_unit_test(test_other_threads_stay_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
