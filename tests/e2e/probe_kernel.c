/* SPDX-License-Identifier: Apache-2.0 */

/* Probes of kernel interfaces beyond files, sockets and processes, and of privileges. */

#include "probe.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#define NOWHERE "/nonexistent/git-gate-probe"

enum {
    OPEN_TREE = 428, /* the same number on nearly all architectures, like all numbers below */
    FSOPEN = 430,
    CLONE3 = 435,
    LISTMOUNT = 458,
    TIME_NAMESPACE = 0x80,
};

/* ---- namespaces and mounts ---- */

#define UNSHARE(name, flag)                                                                                            \
    static int unshare_##name(void) {                                                                                  \
        return result(unshare(flag));                                                                                  \
    }

UNSHARE(user, CLONE_NEWUSER)
UNSHARE(mount, CLONE_NEWNS)
UNSHARE(uts, CLONE_NEWUTS)
UNSHARE(ipc, CLONE_NEWIPC)
UNSHARE(network, CLONE_NEWNET)
UNSHARE(pid, CLONE_NEWPID)
UNSHARE(cgroup, CLONE_NEWCGROUP)
UNSHARE(time, TIME_NAMESPACE)

static int finish_clone(long pid) {
    if (pid == 0) {
        _exit(0);
    }
    return pid < 0 ? errno : undone(waitpid((pid_t)pid, NULL, 0));
}

static int clone_user(void) {
    return finish_clone(syscall(SYS_clone, (unsigned long)CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int clone3_user(void) {
    uint64_t arguments[8] = {CLONE_NEWUSER, [4] = SIGCHLD};

    return finish_clone(syscall(CLONE3, arguments, sizeof(arguments)));
}

static int enter_namespace(void) {
    return result(setns((int)syscall(SYS_pidfd_open, getpid(), 0), CLONE_NEWNET));
}

static int mount_nowhere(void) {
    return result(mount(NOWHERE, NOWHERE, NULL, MS_BIND, NULL));
}

static int unmount_nowhere(void) {
    return result(umount2(NOWHERE, MNT_DETACH));
}

static int copy_mount(void) {
    return result_fd(syscall(OPEN_TREE, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC));
}

static int open_file_system(void) {
    return result_fd(syscall(FSOPEN, "tmpfs", 1 /* FSOPEN_CLOEXEC */));
}

static int list_mounts(void) {
    struct {
        uint32_t size;
        uint32_t spare;
        uint64_t id;
        uint64_t last;
    } request = {24, 0, UINT64_MAX /* LSMT_ROOT */, 0};
    uint64_t ids[4];

    return result(syscall(LISTMOUNT, &request, ids, (size_t)4, 0));
}

static int change_root(void) {
    return result(chroot("/"));
}

static int pivot(void) {
    return result(syscall(SYS_pivot_root, NOWHERE, NOWHERE));
}

/* ---- objects of the kernel ---- */

static int find_keyring(void) {
    return result(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -2 /* of the process */, 0));
}

static int add_key(void) {
    return result(syscall(SYS_add_key, "user", "git-gate-probe", "x", (size_t)1, -2));
}

static int request_key(void) {
    return result(syscall(SYS_request_key, "user", "git-gate-probe-that-is-not-there", NULL, 0));
}

static int bpf(void) {
    return result(syscall(SYS_bpf, 9999, NULL, 0U));
}

static int open_counter(void) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .exclude_kernel = 1, .exclude_hv = 1};

    return result_fd(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

static int set_up_ring(void) {
    struct io_uring_params parameters = {0};

    return result_fd(syscall(SYS_io_uring_setup, 1U, &parameters));
}

static int handle_faults(void) {
    return result_fd(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

static int watch_files(void) {
    return result_fd(syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY));
}

static int share_memory(void) {
    int id = shmget(IPC_PRIVATE, 1, 0600);

    return id < 0 ? errno : undone(shmctl(id, IPC_RMID, NULL));
}

static int make_queue(void) {
    int id = msgget(IPC_PRIVATE, 0600);

    return id < 0 ? errno : undone(msgctl(id, IPC_RMID, NULL));
}

static int make_semaphore(void) {
    int id = semget(IPC_PRIVATE, 1, 0600);

    return id < 0 ? errno : undone(semctl(id, 0, IPC_RMID));
}

static int open_posix_queue(void) {
    static const char name[] = "git-gate-probe"; /* the system call's names have no slash */

    return syscall(SYS_mq_open, name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL) < 0 ? errno
                                                                                 : undone(syscall(SYS_mq_unlink, name));
}

/* ---- the machine ---- */

static int load_module(void) {
    return result(syscall(SYS_init_module, NULL, 0UL, ""));
}

static int load_kernel(void) {
    return result(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0xffff0000UL)); /* for a machine that does not exist */
}

static int reboot_wrongly(void) {
    return result(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int read_log(void) {
    return result(syscall(SYS_syslog, 10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0));
}

static int swap_on(void) {
    return result(swapon(NOWHERE, 0));
}

static int account(void) {
    return result(acct(NOWHERE));
}

static int set_host_name(void) {
    struct utsname names;

    return uname(&names) < 0 ? errno : result(sethostname(names.nodename, strlen(names.nodename)));
}

static int set_domain_name(void) {
    struct utsname names;

    return uname(&names) < 0 ? errno : result(setdomainname(names.domainname, strlen(names.domainname)));
}

/* ---- clocks: calls that set nothing, or move a clock by nothing ---- */

static int set_time_of_day(void) {
    return result(syscall(SYS_settimeofday, NULL, NULL));
}

static int set_clock(void) {
    struct timespec never = {0, -1};

    return result(syscall(SYS_clock_settime, CLOCK_REALTIME, &never));
}

static int adjust_time(void) {
    struct timex nothing = {0};

    return result(syscall(SYS_adjtimex, &nothing));
}

static int adjust_clock(void) {
    struct timex nothing = {0};

    return result(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &nothing));
}

/* ---- terminals: calls on a pipe, as only the call's number counts ---- */

static int type_into_terminal(void) {
    return result(syscall(SYS_ioctl, STDOUT_FILENO, (unsigned long)TIOCSTI, ""));
}

static int type_with_high_bits(void) {
    return result(syscall(SYS_ioctl, STDOUT_FILENO, (unsigned long)TIOCSTI | (1UL << (sizeof(long) * 8 - 1)), ""));
}

static int paste_into_console(void) {
    return result(syscall(SYS_ioctl, STDOUT_FILENO, (unsigned long)TIOCLINUX, ""));
}

/* ---- privileges ---- */

/* Root becomes another user, and any other user root. */
static int change_user(void) {
    return result(setuid(getuid() == 0 ? 65534 : 0));
}

static int change_groups(void) {
    return result(setgroups(0, NULL));
}

static int raise_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{.effective = 1, .permitted = 1}};

    return result(syscall(SYS_capset, &header, sets));
}

/* ---- other architectures' calls: getpid(2) of each ---- */

static int call_x32(void) {
#ifdef __x86_64__
    return result(syscall(0x40000000L + SYS_getpid));
#else
    return ENOSYS;
#endif
}

static int call_i386(void) {
#ifdef __x86_64__
    long r;

    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return r < 0 ? (int)-r : 0;
#else
    return ENOSYS;
#endif
}

const struct probe kernel_probes[] = {
    {"unshare_user", unshare_user},
    {"unshare_mount", unshare_mount},
    {"unshare_uts", unshare_uts},
    {"unshare_ipc", unshare_ipc},
    {"unshare_network", unshare_network},
    {"unshare_pid", unshare_pid},
    {"unshare_cgroup", unshare_cgroup},
    {"unshare_time", unshare_time},
    {"clone_user", clone_user},
    {"clone3_user", clone3_user},
    {"enter_namespace", enter_namespace},
    {"mount", mount_nowhere},
    {"unmount", unmount_nowhere},
    {"copy_mount", copy_mount},
    {"open_file_system", open_file_system},
    {"list_mounts", list_mounts},
    {"change_root", change_root},
    {"pivot_root", pivot},
    {"find_keyring", find_keyring},
    {"add_key", add_key},
    {"request_key", request_key},
    {"bpf", bpf},
    {"open_counter", open_counter},
    {"set_up_ring", set_up_ring},
    {"handle_faults", handle_faults},
    {"watch_files", watch_files},
    {"share_memory", share_memory},
    {"make_queue", make_queue},
    {"make_semaphore", make_semaphore},
    {"open_posix_queue", open_posix_queue},
    {"load_module", load_module},
    {"load_kernel", load_kernel},
    {"reboot", reboot_wrongly},
    {"read_log", read_log},
    {"swap_on", swap_on},
    {"account", account},
    {"set_host_name", set_host_name},
    {"set_domain_name", set_domain_name},
    {"set_time_of_day", set_time_of_day},
    {"set_clock", set_clock},
    {"adjust_time", adjust_time},
    {"adjust_clock", adjust_clock},
    {"type_into_terminal", type_into_terminal},
    {"type_with_high_bits", type_with_high_bits},
    {"paste_into_console", paste_into_console},
    {"change_user", change_user},
    {"change_groups", change_groups},
    {"raise_capabilities", raise_capabilities},
    {"call_x32", call_x32},
    {"call_i386", call_i386},
    {0},
};
