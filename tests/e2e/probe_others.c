/* SPDX-License-Identifier: Apache-2.0 */

/* Sockets, and other processes of the same user. */

#include "probe.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
    PIDFD_GETFD = 438, /* Linux 5.6, with the same number on nearly all architectures */
    PIDFD_SEND_SIGNAL = 424,
    PIDFD_OPEN = 434,
    PROCESS_MADVISE = 440,
    VSOCK = 40, /* AF_VSOCK */
    ALG = 38,   /* AF_ALG */
    SEQPACKET = SOCK_SEQPACKET,
};

/* ---- sockets ---- */

#define SOCKET(name, family, type)                                                                                     \
    static int socket_##name(void) {                                                                                   \
        return result_fd(socket(family, (type) | SOCK_CLOEXEC, 0));                                                    \
    }

SOCKET(unix_stream, AF_UNIX, SOCK_STREAM)
SOCKET(unix_datagram, AF_UNIX, SOCK_DGRAM)
SOCKET(tcp, AF_INET, SOCK_STREAM)
SOCKET(udp, AF_INET, SOCK_DGRAM)
SOCKET(tcp6, AF_INET6, SOCK_STREAM)
SOCKET(raw, AF_INET, SOCK_RAW)
SOCKET(netlink, AF_NETLINK, SOCK_RAW)
SOCKET(packet, AF_PACKET, SOCK_DGRAM)
SOCKET(vsock, VSOCK, SOCK_STREAM)
SOCKET(alg, ALG, SEQPACKET)

/* Bound by the kernel to an abstract name. */
static int socket_abstract(void) {
    struct sockaddr address = {.sa_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : result(bind(fd, &address, sizeof(address.sa_family)));
}

static int socket_pair(void) {
    int ends[2];

    return result(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

const struct probe socket_probes[] = {
    {"socket_unix_stream", socket_unix_stream},
    {"socket_unix_datagram", socket_unix_datagram},
    {"socket_abstract", socket_abstract},
    {"socket_tcp", socket_tcp},
    {"socket_udp", socket_udp},
    {"socket_tcp6", socket_tcp6},
    {"socket_raw", socket_raw},
    {"socket_netlink", socket_netlink},
    {"socket_packet", socket_packet},
    {"socket_vsock", socket_vsock},
    {"socket_alg", socket_alg},
    {"socket_pair", socket_pair},
    {0},
};

/* ---- processes ---- */

static int gate_exists(void) {
    return result(kill(given_number("gate"), 0));
}

static int continue_gate(void) {
    return result(kill(given_number("gate"), SIGCONT));
}

static int continue_gate_thread(void) {
    return result(syscall(SYS_tgkill, given_number("gate"), given_number("gate"), SIGCONT));
}

static int victim_exists(void) {
    return result(kill(given_number("victim"), 0));
}

static int continue_victim(void) {
    return result(kill(given_number("victim"), SIGCONT));
}

static int pidfd(void) {
    return (int)syscall(PIDFD_OPEN, given_number("victim"), 0);
}

static int continue_victim_by_pidfd(void) {
    return result(syscall(PIDFD_SEND_SIGNAL, pidfd(), SIGCONT, NULL, 0));
}

/* The kernel sends the signal when a pipe gets data. Only the victim sees whether it has arrived. */
static int owe_signal_to_victim(void) {
    int ends[2];

    if (pipe(ends) < 0 || fcntl(ends[0], F_SETOWN, given_number("victim")) < 0 ||
        fcntl(ends[0], F_SETSIG, SIGUSR1) < 0 || fcntl(ends[0], F_SETFL, O_ASYNC) < 0) {
        return errno;
    }
    return write(ends[1], "x", 1) == 1 ? 0 : errno;
}

static int trace_victim(void) {
    return result(ptrace(PTRACE_SEIZE, given_number("victim"), NULL, NULL)); /* released at the end of the tracer */
}

/* From an unmapped address. */
static int read_victim(void) {
    char byte;
    struct iovec local = {&byte, 1};
    struct iovec remote = {(void *)1, 1};

    return result(process_vm_readv(given_number("victim"), &local, 1, &remote, 1, 0));
}

static int take_descriptor(void) {
    return result_fd(syscall(PIDFD_GETFD, pidfd(), STDIN_FILENO, 0));
}

static int advise_victim(void) {
    return result(syscall(PROCESS_MADVISE, pidfd(), NULL, (size_t)0, 20 /* MADV_COLD */, 0));
}

static int limit_victim(void) {
    struct rlimit limit;

    return result(prlimit(given_number("victim"), RLIMIT_CORE, NULL, &limit));
}

static int compare_victim(void) {
    return result(syscall(SYS_kcmp, getpid(), given_number("victim"), KCMP_FILES, 0L, 0L));
}

static int set_priority(void) {
    errno = 0;
    return result(setpriority(PRIO_PROCESS, (id_t)given_number("victim"),
                              getpriority(PRIO_PROCESS, (id_t)given_number("victim"))));
}

/* Binds a process to the processors that it may use anyway. */
static int set_affinity(void) {
    cpu_set_t processors;

    return sched_getaffinity(given_number("victim"), sizeof(processors), &processors) < 0
               ? errno
               : result(sched_setaffinity(given_number("victim"), sizeof(processors), &processors));
}

static int set_scheduler(void) {
    struct sched_param parameter = {0};

    return result(sched_setscheduler(given_number("victim"), SCHED_OTHER, &parameter));
}

static int set_io_priority(void) {
    return result(syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, given_number("victim"), 0));
}

/* Leaves the processes that end with the request. */
static int leave_group(void) {
    return result(setpgid(0, 0));
}

static int leave_session(void) {
    return result(setsid());
}

const struct probe process_probes[] = {
    {"leave_group", leave_group},
    {"leave_session", leave_session},
    {"gate_exists", gate_exists},
    {"continue_gate", continue_gate},
    {"continue_gate_thread", continue_gate_thread},
    {"victim_exists", victim_exists},
    {"continue_victim", continue_victim},
    {"continue_victim_by_pidfd", continue_victim_by_pidfd},
    {"owe_signal_to_victim", owe_signal_to_victim},
    {"trace_victim", trace_victim},
    {"read_victim", read_victim},
    {"take_descriptor", take_descriptor},
    {"advise_victim", advise_victim},
    {"limit_victim", limit_victim},
    {"compare_victim", compare_victim},
    {"set_priority", set_priority},
    {"set_affinity", set_affinity},
    {"set_scheduler", set_scheduler},
    {"set_io_priority", set_io_priority},
    {0},
};
