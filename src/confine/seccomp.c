/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Builds and loads the filter of system calls. The filter lists the calls that it refuses and allows all others,
 * because a hook may be any program and need any call. Landlock guards the files. The filter guards the rest: other
 * processes, the network, the kernel itself. It refuses all calls of other architectures than the gate's own, and of
 * x32, so that they cannot bypass the list.
 */

#include "confine/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/msdos_fs.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"

/* Names that the build machine's libseccomp does not know are skipped: __NR_SCMP_ERROR. */
/* clang-format off */
static const char *const refused[] = {
    /* sockets of any family; addresses and passed descriptors, by which the gate's own sockets lead to others */
    "socket", "socketpair", "connect", "bind", "listen", "sendmsg", "sendmmsg", "recvmsg", "recvmmsg",
    "recvmmsg_time64",
    /* other processes' memory, descriptors, limits and pages; leaving the process group, which ends as a whole */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp",
    "move_pages", "migrate_pages", "setpgid",
    /* other processes, by objects that the kernel shares among all of them */
    "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semtimedop_time64", "semctl", "msgget", "msgsnd",
    "msgrcv", "msgctl", "mq_open", "mq_unlink", "io_setup",
    /* mounts and namespaces; refused_with has new namespaces by clone */
    "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "unshare", "setns",
    /* files without their paths, or by calls unknown to Landlock; git needs to set modes and times, but not owners */
    "name_to_handle_at", "open_by_handle_at", "fanotify_init", "truncate", "truncate64", "chown", "chown32", "lchown",
    "lchown32", "fchown", "fchown32", "fchownat", "mknod", "mknodat", "inotify_init", "inotify_init1",
    "inotify_add_watch", "quotactl", "quotactl_fd", "swapon", "swapoff", "acct",
    /* keys */
    "add_key", "request_key", "keyctl",
    /* programs that the kernel runs, and views into it */
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

/* When these calls are unsupported, cp(1), install(1) and sed(1) go on without attributes. On EPERM they fail. */
static const char *const unsupported[] = {
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
};

/* No filter can read arguments that lie in memory. libc falls back to the older call on ENOSYS alone. */
static const char *const unknown[] = {
    "clone3", /* falls back to clone(2) */
    "openat2" /* falls back to openat(2) */
};

/*
 * Newer calls, for which the build machine's libseccomp and headers may have no name. From 403 on, a call has the same
 * number on all architectures, except for the base where an architecture's numbers begin: Linux, syscall.tbl.
 */
enum {
    NUMBER_BASE = SYS_landlock_create_ruleset - 444,
    FCHMODAT2 = NUMBER_BASE + 452,
};
static const struct {
    int number;
    int error;
} newer[] = {
    {NUMBER_BASE + 457, EPERM},      /* statmount */
    {NUMBER_BASE + 458, EPERM},      /* listmount */
    {NUMBER_BASE + 463, EOPNOTSUPP}, /* setxattrat */
    {NUMBER_BASE + 466, EOPNOTSUPP}, /* removexattrat */
    {NUMBER_BASE + 467, EPERM},      /* open_tree_attr */
    {NUMBER_BASE + 469, EPERM},      /* file_setattr */
    {NUMBER_BASE + 470, EPERM},      /* listns */
};

enum {
    ARGUMENTS_MAX = 2, /* conditions in one row below */
    BCACHEFS = 0xbc,   /* type of bcachefs's ioctl(2) requests */
    IOPRIO_USER = 3,   /* IOPRIO_WHO_USER of linux/ioprio.h since Linux 5.15 */
#if defined(__s390__) || defined(__s390x__)
    CLONE_FLAGS = 1, /* the index of clone(2)'s flags */
#else
    CLONE_FLAGS = 0,
#endif
};

#define EXT4_IOC_SETVERSION _IOW('f', 4, long) /* fs/ext4 of Linux, in no header */
#define IOCTL_TYPE (UINT64_C(0xff) << _IOC_TYPESHIFT)

/* IS() compares 32 bits, as the kernel does. */
#define IS(index, value)                                                                                               \
    { index, SCMP_CMP_MASKED_EQ, UINT32_MAX, value }
#define HAS(index, bits)                                                                                               \
    { index, SCMP_CMP_MASKED_EQ, bits, bits }
#define IS_OF(index, mask, value)                                                                                      \
    { index, SCMP_CMP_MASKED_EQ, mask, value }
#define IS_NOT_0(index)                                                                                                \
    { index, SCMP_CMP_NE, 0, 0 }

/* Calls that are refused with certain arguments. Every condition of a row must hold. */
static const struct {
    const char *name;
    struct scmp_arg_cmp arguments[ARGUMENTS_MAX];
} refused_with[] = {
    /* new namespaces, which would allow many more calls; siblings, which the gate would have to reap */
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWNS)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWCGROUP)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWUTS)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWIPC)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWUSER)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWPID)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWNET)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_PARENT)}},
    /* an address other than the connected peer's: datagrams, and TCP fast open */
    {"sendto", {IS_NOT_0(4)}},
    /* input faked into the terminal that the gate was started from */
    {"ioctl", {IS(1, TIOCSTI)}},
    {"ioctl", {IS(1, TIOCLINUX)}},
    /* changes to a file by a process that may only read it; Landlock does not know these calls */
    {"ioctl", {IS(1, FS_IOC_SETFLAGS)}},
    {"ioctl", {IS(1, FS_IOC_FSSETXATTR)}},
    {"ioctl", {IS(1, FS_IOC_SETVERSION)}},
    {"ioctl", {IS(1, EXT4_IOC_SETVERSION)}},
    {"ioctl", {IS(1, FS_IOC_ENABLE_VERITY)}},
    {"ioctl", {IS(1, FS_IOC_SET_ENCRYPTION_POLICY)}},
    {"ioctl", {IS(1, FS_IOC_ADD_ENCRYPTION_KEY)}},
    {"ioctl", {IS(1, FAT_IOCTL_SET_ATTRIBUTES)}},
    /* everything specific to btrfs and bcachefs: it makes and removes whole trees. cp(1) does without clones. */
    {"ioctl", {IS_OF(1, IOCTL_TYPE, BTRFS_IOCTL_MAGIC << _IOC_TYPESHIFT)}},
    {"ioctl", {IS_OF(1, IOCTL_TYPE, BCACHEFS << _IOC_TYPESHIFT)}},
    /* leases, which block others at a file, and notifications, which watch them there */
    {"fcntl", {IS(1, F_SETLEASE)}},
    {"fcntl", {IS(1, F_NOTIFY)}},
    {"fcntl64", {IS(1, F_SETLEASE)}},
    {"fcntl64", {IS(1, F_NOTIFY)}},
    /* a device node, as by mknod(2), in the place of the renamed file */
    {"renameat2", {HAS(4, RENAME_WHITEOUT)}},
    /* a set-user-ID program, left in the repository for somebody else to run */
    {"chmod", {HAS(1, S_ISUID)}},
    {"fchmod", {HAS(1, S_ISUID)}},
    {"fchmodat", {HAS(2, S_ISUID)}},
    {"creat", {HAS(1, S_ISUID)}},
    {"open", {HAS(1, O_CREAT), HAS(2, S_ISUID)}},
    {"open", {HAS(1, O_TMPFILE), HAS(2, S_ISUID)}},
    {"openat", {HAS(2, O_CREAT), HAS(3, S_ISUID)}},
    {"openat", {HAS(2, O_TMPFILE), HAS(3, S_ISUID)}},
    /* set-group-ID files; chmod(2) stays free, because git sets the bit on folders for core.sharedRepository */
    {"creat", {HAS(1, S_ISGID)}},
    {"open", {HAS(1, O_CREAT), HAS(2, S_ISGID)}},
    {"open", {HAS(1, O_TMPFILE), HAS(2, S_ISGID)}},
    {"openat", {HAS(2, O_CREAT), HAS(3, S_ISGID)}},
    {"openat", {HAS(2, O_TMPFILE), HAS(3, S_ISGID)}},
    /* O_TRUNC without write access, which Landlock before ABI 3 lets pass. O_ACCMODE, 3, is no regular mode. */
    {"open", {IS_OF(1, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC)}},
    {"open", {IS_OF(1, O_ACCMODE | O_TRUNC, O_ACCMODE | O_TRUNC)}},
    {"openat", {IS_OF(2, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC)}},
    {"openat", {IS_OF(2, O_ACCMODE | O_TRUNC, O_ACCMODE | O_TRUNC)}},
    /* slowing down other processes, or all of a user's; 0 is the caller */
    {"prlimit64", {IS_NOT_0(0)}},
    {"sched_setaffinity", {IS_NOT_0(0)}},
    {"sched_setscheduler", {IS_NOT_0(0)}},
    {"sched_setparam", {IS_NOT_0(0)}},
    {"sched_setattr", {IS_NOT_0(0)}},
    {"setpriority", {IS_NOT_0(1)}},
    {"setpriority", {IS(0, PRIO_USER)}},
    {"ioprio_set", {IS_NOT_0(1)}},
    {"ioprio_set", {IS(0, IOPRIO_USER)}},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Needs no rule for a call that this architecture or libseccomp does not know. */
static int refuse(scmp_filter_ctx filter, int number, int error, const struct scmp_arg_cmp *arguments) {
    unsigned n_arguments = 0;
    int r;

    while (arguments && n_arguments < ARGUMENTS_MAX && arguments[n_arguments].op != 0) {
        n_arguments++;
    }
    r = number == __NR_SCMP_ERROR
            ? 0
            : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)error), number, n_arguments, arguments);
    return r == -EDOM ? 0 : r;
}

static int refuse_names(scmp_filter_ctx filter, const char *const names[], size_t n_names, int error) {
    int r = 0;

    for (size_t i = 0; i < n_names && !r; i++) {
        r = refuse(filter, seccomp_syscall_resolve_name(names[i]), error, NULL);
    }
    return r;
}

static int refuse_newer(scmp_filter_ctx filter) {
    int r = 0;

    for (size_t i = 0; i < COUNT(newer) && !r; i++) {
        r = refuse(filter, newer[i].number, newer[i].error, NULL);
    }
    return r ? r : refuse(filter, FCHMODAT2, EPERM, (struct scmp_arg_cmp[ARGUMENTS_MAX]){HAS(2, S_ISUID)});
}

static int refuse_arguments(scmp_filter_ctx filter) {
    int r = 0;

    for (size_t i = 0; i < COUNT(refused_with) && !r; i++) {
        r = refuse(filter, seccomp_syscall_resolve_name(refused_with[i].name), EPERM, refused_with[i].arguments);
    }
    return r;
}

static void release(scmp_filter_ctx *filterp) {
    if (*filterp) {
        seccomp_release(*filterp);
    }
}

int seccomp_enforce(unsigned long session_key) {
    _cleanup_(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp keyless[ARGUMENTS_MAX] = {{0, SCMP_CMP_NE, session_key, 0}};
    int r = filter ? 0 : -ENOMEM;

    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* report the kernel's errno, not ECANCELED */
    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree, which loads faster */
    r = r ? r : refuse_names(filter, refused, COUNT(refused), EPERM);
    r = r ? r : refuse_names(filter, unsupported, COUNT(unsupported), EOPNOTSUPP);
    r = r ? r : refuse_names(filter, unknown, COUNT(unknown), ENOSYS);
    r = r ? r : refuse_newer(filter);
    r = r ? r : refuse_arguments(filter);
    r = r ? r : refuse(filter, SCMP_SYS(setsid), EPERM, keyless);
    if (r) {
        return r;
    }
    r = seccomp_load(filter);
    if (r) {
        errno = -r;
        return SECCOMP_E_KERNEL;
    }
    return 0;
}
