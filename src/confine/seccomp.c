/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the filter of system calls: a list of what is refused, since hooks may be any program and what they may need is
 * not known. The files are Landlock's affair; here is what reaches past them: other processes, the network, the kernel
 * itself. Calls of another architecture than the gate's own, and x32's, are refused altogether, so that nothing gets
 * around the list.
 */

#include "confine/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/fd.h"

/* Names that the libseccomp of the machine that builds has no number for are passed over: __NR_SCMP_ERROR. */
/* clang-format off */
static const char *const refused[] = {
    /* sockets of any family; what the gate itself still says goes through descriptors that it has */
    "socket", "socketpair",
    /* other processes: their memory, descriptors, limits and pages */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp",
    "move_pages", "migrate_pages",
    /* other processes by what the kernel keeps for all of them */
    "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl",
    "mq_open", "mq_unlink",
    /* mounts and namespaces; new ones by clone are below */
    "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "unshare", "setns",
    /* files past their paths, and past Landlock where it does not know of it: mode and times are needed, owners not */
    "name_to_handle_at", "open_by_handle_at", "fanotify_init", "truncate", "truncate64", "chown", "chown32", "lchown",
    "lchown32", "fchown", "fchown32", "fchownat", "setxattr", "lsetxattr", "fsetxattr",
    "removexattr", "lremovexattr", "fremovexattr", "mknod", "mknodat", "inotify_init", "inotify_init1",
    "inotify_add_watch", "quotactl", "quotactl_fd", "swapon",
    "swapoff", "acct",
    /* keys */
    "add_key", "request_key", "keyctl",
    /* machines within the kernel */
    "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
    "lookup_dcookie",
    /* the kernel and the machine */
    "init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot",
    "syslog", "iopl", "ioperm", "modify_ldt", "vm86", "vm86old", "vhangup", "sethostname", "setdomainname", "uselib",
    "nfsservctl", "_sysctl",
    /* clocks */
    "settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "adjtimex", "stime",
};
/* clang-format on */

/*
 * Newer calls, which neither the libseccomp nor the headers of the machine that builds may have a name for. From 403 on
 * a call has the same number on all architectures, but for where those of an architecture begin: Linux, syscall.tbl.
 */
enum {
    FIRST_NUMBER = SYS_landlock_create_ruleset - 444,
};
static const int refused_numbers[] = {
    FIRST_NUMBER + 457, /* statmount */
    FIRST_NUMBER + 458, /* listmount */
    FIRST_NUMBER + 463, /* setxattrat */
    FIRST_NUMBER + 466, /* removexattrat */
    FIRST_NUMBER + 467, /* open_tree_attr */
    FIRST_NUMBER + 469, /* file_setattr */
    FIRST_NUMBER + 470, /* listns */
};

/* Calls whose first argument is a process: 0 is the caller. */
static const char *const of_process[] = {
    "prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr",
};

/* Calls whose first argument is what the second one is a number of: 0 is the caller's, and of a user all processes. */
static const struct {
    const char *name;
    uint64_t user;
} of_kind[] = {
    {"setpriority", PRIO_USER},
    {"ioprio_set", 3 /* IOPRIO_WHO_USER, linux/ioprio.h since Linux 5.15 */},
};

/* New namespaces, which would bring a whole kernel's worth of calls into reach. */
static const uint64_t namespaces[] = {
    CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
};

/* Typing into the terminal that the gate was started from. The kernel looks at 32 bits, so the filter does. */
static const uint64_t injections[] = {TIOCSTI, TIOCLINUX};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int refuse_numbers(scmp_filter_ctx filter) {
    int r = 0;

    for (size_t i = 0; i < COUNT(refused_numbers) && !r; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused_numbers[i], 0);
    }
    return r;
}

/* What one process may do to another one of its user: to slow it down. */
static int refuse_scheduling(scmp_filter_ctx filter) {
    int r = 0;

    for (size_t i = 0; i < COUNT(of_process) && !r; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(of_process[i]), 1,
                             SCMP_A0(SCMP_CMP_NE, 0));
    }
    for (size_t i = 0; i < COUNT(of_kind) && !r; i++) {
        int number = seccomp_syscall_resolve_name(of_kind[i].name);

        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1, SCMP_A1(SCMP_CMP_NE, 0));
        r = r ? r
              : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, of_kind[i].user));
    }
    return r;
}

static int refuse_names(scmp_filter_ctx filter) {
    for (size_t i = 0; i < COUNT(refused); i++) {
        int number = seccomp_syscall_resolve_name(refused[i]);
        int r = number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);

        if (r < 0 && r != -EDOM) { /* not a call of this architecture */
            return r;
        }
    }
    return 0;
}

static int refuse_arguments(scmp_filter_ctx filter) {
    unsigned flags = 0; /* which of clone(2)'s arguments they are; s390 has the first two the other way round */
    int r = 0;

#if defined(__s390__) || defined(__s390x__)
    flags = 1;
#endif
    for (size_t i = 0; i < COUNT(namespaces) && !r; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                             SCMP_CMP(flags, SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    }
    for (size_t i = 0; i < COUNT(injections) && !r; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, injections[i]));
    }
    /* Its flags lie in memory, where no filter can look. libc goes on with clone(2) on ENOSYS alone. */
    return r ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static void release(scmp_filter_ctx *filterp) {
    if (*filterp) {
        seccomp_release(*filterp);
    }
}

int seccomp_enforce(void) {
    _cleanup_(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter ? 0 : -ENOMEM;

    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's own errno, not ECANCELED */
    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* as a tree: it is loaded sooner */
    r = r ? r : refuse_names(filter);
    r = r ? r : refuse_numbers(filter);
    r = r ? r : refuse_arguments(filter);
    r = r ? r : refuse_scheduling(filter);
    return r ? r : seccomp_load(filter);
}
