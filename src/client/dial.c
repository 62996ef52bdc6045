/* SPDX-License-Identifier: Apache-2.0 */

/* Connects to a gate's socket, and says why a connection failed. */

#include "client/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/denial.h"
#include "base/fd.h"
#include "client/restraint.h"
#include "client/vsock.h"

enum {
    GROUP_WORDS_MAX = 48, /* with terminator */
};

const char *dial_path(const char *text) {
    static const char prefix[] = "unix:";

    return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
}

int dial_open(int *fdp, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_fd_ int fd = -1;

    if (vsock_is_address(path)) {
        return vsock_open(fdp, path);
    }
    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return -errno;
    }
    *fdp = fd_take(&fd);
    return 0;
}

static bool has_folder(const char *path) {
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path)] = ".";
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) + 1 : 0; /* with the slash, for "/" is a folder, too */

    if (size >= sizeof(folder)) {
        return false;
    }
    if (slash) {
        memcpy(folder, path, size);
        folder[size] = '\0';
    }
    return access(folder, F_OK) == 0;
}

/* A file of another kind refuses connections, too. */
static bool is_socket(const char *path) {
    struct stat status;

    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

bool dial_is_early(int r, const char *path) {
    if (vsock_is_address(path)) {
        return r == -ECONNRESET || r == -ECONNREFUSED;
    }
    return (r == -ECONNREFUSED && is_socket(path)) || (r == -ENOENT && has_folder(path));
}

bool dial_may_pass(int r, const char *path) {
    return dial_is_early(r, path) || r == -EAGAIN || r == -EINTR || r == -EMFILE || r == -ENFILE || r == -ENOMEM ||
           r == -ENOBUFS;
}

/* Whether this process cannot make any Unix socket, for that @cause. */
static bool makes_no_socket(int cause) {
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 && errno == cause;
}

static int explain_restraint(const char *what, const char *path, int cause, struct gate_error *error) {
    char who[RESTRAINT_WHO_MAX];
    struct restraint restraint;
    const char *remedy;

    restraint_find(&restraint, RESTRAINT_FOLDER);
    remedy = restraint_who(&restraint, cause, who);
    if (cause == EACCES && restraint.policy == RESTRAINT_SELINUX) {
        remedy = "the host needs git-gate's policy module: selinux/README.md";
    }
    return gate_error_set(error, GATE_E_INTERNAL,
                          "cannot %s '%s': %s; users and modes permit it, but %s refuses it; %s", what, path,
                          strerror(cause), who, remedy);
}

/* An unmapped user has no number in this user namespace: the number that is shown stands for all of them. */
static bool is_unmapped(uid_t user) {
    return user == restraint_overflow_user() && !restraint_maps_every_user();
}

/* @words: empty if the modes let in only the gate's user. */
static void word_group(char *words, size_t size, const struct denial *denial) {
    if (denial->group == (gid_t)-1) {
        words[0] = '\0';
    } else {
        (void)snprintf(words, size, ", or a member of gid %u", (unsigned)denial->group);
    }
}

static int explain_denied(const char *path, struct gate_error *error) {
    char group[GROUP_WORDS_MAX];
    struct denial denial;

    denial_find(&denial, path, "this");
    if (is_unmapped(denial.owner)) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "permission denied to connect to '%s': %s; that number stands for users whom this user "
                              "namespace does not map, so map the gate's user here (podman: --userns=keep-id)",
                              path, denial.facts);
    }
    if (denial.owner == geteuid()) {
        return gate_error_set(error, GATE_E_INTERNAL, "permission denied to connect to '%s': %s; %s", path,
                              denial.facts, denial.remedy);
    }
    word_group(group, sizeof(group), &denial);
    return gate_error_set(
        error, GATE_E_INTERNAL, "permission denied to connect to '%s': %s%s; become the user who started the gate%s",
        path, denial.facts, geteuid() == 0 ? ", without the capability to ignore modes (CAP_DAC_OVERRIDE)" : "", group);
}

/* Connecting needs write permission. When the modes grant it, something else must be the cause. */
static int explain_refusal(const char *path, int cause, struct gate_error *error) {
    if (makes_no_socket(cause)) {
        return explain_restraint("make a Unix socket for", path, cause, error);
    }
    if (cause == EACCES && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0) {
        return explain_denied(path, error);
    }
    return explain_restraint("connect to", path, cause, error);
}

/* gVisor refuses a host's socket with ECONNREFUSED, and Debian 12's release of it with EPERM. */
static bool is_refused_by_gvisor(int cause) {
    struct utsname name;

    return (cause == ECONNREFUSED || cause == EPERM) && uname(&name) == 0 && restraint_is_gvisor(name.version);
}

static int explain_gvisor(const char *path, struct gate_error *error) {
    struct denial denial;

    denial_find(&denial, path, "this");
    return gate_error_set(error, GATE_E_INTERNAL,
                          "connection refused to '%s': %s; gVisor, the kernel of this sandbox, refuses all sockets "
                          "of the host unless runsc has --host-uds=open; with it, start the gate again",
                          path, denial.facts);
}

/* The file exists: its owner tells which gate should listen on it. */
static int explain_refused(const char *path, struct gate_error *error) {
    struct denial denial;

    denial_find(&denial, path, "this");
    return gate_error_set(
        error, GATE_E_INTERNAL,
        "connection refused: nobody listens any more: %s; start the gate again, and if it runs, mount "
        "its folder here, and not the socket alone, which is another file after each start",
        denial.facts);
}

static int explain_vsock(const char *address, int cause, struct gate_error *error) {
    const char *remedy = cause == ENODEV || cause == EAFNOSUPPORT
                             ? "this machine has no vsock device; its host can give it one"
                             : "is the gate running, and does this port lead to its socket? The CID of the host is 2";

    return gate_error_set(error, GATE_E_INTERNAL, "cannot connect to '%s': %s; %s", address, strerror(cause), remedy);
}

int dial_explain(const char *path, int cause, const char *names, struct gate_error *error) {
    struct stat status;
    bool is_there = stat(path, &status) == 0;

    if (vsock_is_address(path)) {
        return explain_vsock(path, cause, error);
    }
    if (cause == ENOENT || cause == ENOTDIR) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "there is no socket '%s': is the gate running, and the socket's folder mounted here? "
                              "%s names another",
                              path, names);
    }
    if (cause == EPROTOTYPE || (is_there && !S_ISSOCK(status.st_mode))) {
        return gate_error_set(error, GATE_E_INTERNAL, "'%s' is not a socket of a gate; %s names another", path, names);
    }
    if (is_refused_by_gvisor(cause)) {
        return explain_gvisor(path, error);
    }
    if (restraint_is_refusal(cause)) {
        return explain_refusal(path, cause, error);
    }
    if (cause == ECONNREFUSED) {
        return explain_refused(path, error);
    }
    if (cause == EAGAIN) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "nobody accepts connections to '%s'; is the gate stopped, or are too many clients "
                              "waiting?",
                              path);
    }
    if (cause == ENAMETOOLONG) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the socket's path is longer than %zu bytes, the most that it can have; %s names another",
                              sizeof(((struct sockaddr_un *)0)->sun_path) - 1, names);
    }
    if (cause == EMFILE || cause == ENFILE) {
        return gate_error_set(error, GATE_E_INTERNAL, "cannot connect to '%s': %s; raise the limit (ulimit -n)", path,
                              strerror(cause));
    }
    return gate_error_set(error, GATE_E_INTERNAL, "cannot connect to '%s': %s; %s names another", path, strerror(cause),
                          names);
}
