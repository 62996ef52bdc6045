/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the filter of system calls: a list of what is refused, since hooks may be any program and what they may need is
 * not known. The files are Landlock's affair; here is what reaches past them: other processes, the network, the kernel
 * itself. Calls of another architecture than the gate's own, and x32's, are refused altogether, so that nothing gets
 * around the list.
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

/* Names that the libseccomp of the machine that builds has no number for are passed over: __NR_SCMP_ERROR. */
/* clang-format off */
static const char *const refused[] = {
    /* sockets of any family, and what leads from the gate's own to others: addresses, and descriptors sent along */
    "socket", "socketpair", "connect", "bind", "listen", "sendmsg", "sendmmsg", "recvmsg", "recvmmsg",
    "recvmmsg_time64",
    /* other processes: their memory, descriptors, limits and pages; and to leave the group that ends together */
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp",
    "move_pages", "migrate_pages", "setpgid",
    /* other processes by what the kernel keeps for all of them */
    "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semtimedop_time64", "semctl", "msgget", "msgsnd",
    "msgrcv", "msgctl", "mq_open", "mq_unlink", "io_setup",
    /* mounts and namespaces; new ones by clone are below */
    "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "unshare", "setns",
    /* files past their paths, and past Landlock where it does not know of it: mode and times are needed, owners not */
    "name_to_handle_at", "open_by_handle_at", "fanotify_init", "truncate", "truncate64", "chown", "chown32", "lchown",
    "lchown32", "fchown", "fchown32", "fchownat", "mknod", "mknodat", "inotify_init", "inotify_init1",
    "inotify_add_watch", "quotactl", "quotactl_fd", "swapon", "swapoff", "acct",
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

/* cp(1), install(1) and sed(1) go on without attributes where there are none, and fail where they may not be set. */
static const char *const unsupported[] = {
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
};

/* Calls whose arguments lie in memory, where no filter can look. libc goes on with the older call on ENOSYS alone. */
static const char *const unknown[] = {
    "clone3", /* clone(2) */
    "openat2" /* openat(2) */
};

/*
 * Newer calls, which neither the libseccomp nor the headers of the machine that builds may have a name for. From 403 on
 * a call has the same number on all architectures, but for where those of an architecture begin: Linux, syscall.tbl.
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
    ARGUMENTS_MAX = 2, /* that a line below looks at */
    BCACHEFS = 0xbc,   /* type of bcachefs's ioctl(2) requests */
    IOPRIO_USER = 3,   /* IOPRIO_WHO_USER of linux/ioprio.h since Linux 5.15 */
#if defined(__s390__) || defined(__s390x__)
    CLONE_FLAGS = 1, /* which of clone(2)'s arguments they are */
#else
    CLONE_FLAGS = 0,
#endif
};

#define EXT4_IOC_SETVERSION _IOW('f', 4, long) /* fs/ext4 of Linux, in no header */
#define IOCTL_TYPE (UINT64_C(0xff) << _IOC_TYPESHIFT)

/* IS() looks at 32 bits, as the kernel does. */
#define IS(index, value)                                                                                               \
    { index, SCMP_CMP_MASKED_EQ, UINT32_MAX, value }
#define HAS(index, bits)                                                                                               \
    { index, SCMP_CMP_MASKED_EQ, bits, bits }
#define IS_OF(index, mask, value)                                                                                      \
    { index, SCMP_CMP_MASKED_EQ, mask, value }
#define IS_NOT_0(index)                                                                                                \
    { index, SCMP_CMP_NE, 0, 0 }

/* Calls that are refused with some arguments: all that stand in a line have to be so. */
static const struct {
    const char *name;
    struct scmp_arg_cmp arguments[ARGUMENTS_MAX];
} refused_with[] = {
    /* new namespaces, which would bring a whole kernel's worth of calls into reach; children for the gate to reap */
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWNS)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWCGROUP)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWUTS)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWIPC)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWUSER)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWPID)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_NEWNET)}},
    {"clone", {HAS(CLONE_FLAGS, CLONE_PARENT)}},
    /* another address than that of who is connected: datagrams, and TCP's fast open */
    {"sendto", {IS_NOT_0(4)}},
    /* typing into the terminal that the gate was started from */
    {"ioctl", {IS(1, TIOCSTI)}},
    {"ioctl", {IS(1, TIOCLINUX)}},
    /* what the mere reader of a file may do to it, and Landlock does not know of */
    {"ioctl", {IS(1, FS_IOC_SETFLAGS)}},
    {"ioctl", {IS(1, FS_IOC_FSSETXATTR)}},
    {"ioctl", {IS(1, FS_IOC_SETVERSION)}},
    {"ioctl", {IS(1, EXT4_IOC_SETVERSION)}},
    {"ioctl", {IS(1, FS_IOC_ENABLE_VERITY)}},
    {"ioctl", {IS(1, FS_IOC_SET_ENCRYPTION_POLICY)}},
    {"ioctl", {IS(1, FS_IOC_ADD_ENCRYPTION_KEY)}},
    {"ioctl", {IS(1, FAT_IOCTL_SET_ATTRIBUTES)}},
    /* all that btrfs and bcachefs have of their own: to make and remove whole trees. cp(1) does without clones. */
    {"ioctl", {IS_OF(1, IOCTL_TYPE, BTRFS_IOCTL_MAGIC << _IOC_TYPESHIFT)}},
    {"ioctl", {IS_OF(1, IOCTL_TYPE, BCACHEFS << _IOC_TYPESHIFT)}},
    /* to hold up others at a file, and to watch them there */
    {"fcntl", {IS(1, F_SETLEASE)}},
    {"fcntl", {IS(1, F_NOTIFY)}},
    {"fcntl64", {IS(1, F_SETLEASE)}},
    {"fcntl64", {IS(1, F_NOTIFY)}},
    /* a device node, as mknod(2) makes them, in the place of what was renamed */
    {"renameat2", {HAS(4, RENAME_WHITEOUT)}},
    /* a program that runs as its owner, left in the repository for somebody else */
    {"chmod", {HAS(1, S_ISUID)}},
    {"fchmod", {HAS(1, S_ISUID)}},
    {"fchmodat", {HAS(2, S_ISUID)}},
    {"creat", {HAS(1, S_ISUID)}},
    {"open", {HAS(1, O_CREAT), HAS(2, S_ISUID)}},
    {"open", {HAS(1, O_TMPFILE), HAS(2, S_ISUID)}},
    {"openat", {HAS(2, O_CREAT), HAS(3, S_ISUID)}},
    {"openat", {HAS(2, O_TMPFILE), HAS(3, S_ISUID)}},
    /* as its group: here too, but git sets it on folders by chmod(2), for core.sharedRepository */
    {"creat", {HAS(1, S_ISGID)}},
    {"open", {HAS(1, O_CREAT), HAS(2, S_ISGID)}},
    {"open", {HAS(1, O_TMPFILE), HAS(2, S_ISGID)}},
    {"openat", {HAS(2, O_CREAT), HAS(3, S_ISGID)}},
    {"openat", {HAS(2, O_TMPFILE), HAS(3, S_ISGID)}},
    /* to empty a file without opening it for writing: Landlock before ABI 3 lets it pass. 3 is neither of the three. */
    {"open", {IS_OF(1, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC)}},
    {"open", {IS_OF(1, O_ACCMODE | O_TRUNC, O_ACCMODE | O_TRUNC)}},
    {"openat", {IS_OF(2, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC)}},
    {"openat", {IS_OF(2, O_ACCMODE | O_TRUNC, O_ACCMODE | O_TRUNC)}},
    /* other processes, of which 0 is the caller: to slow them down; and of a user all */
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

/* A call that this architecture, or the libseccomp here, does not know needs no rule. */
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
    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* the kernel's own errno, not ECANCELED */
    r = r ? r : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* as a tree: it is loaded sooner */
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
