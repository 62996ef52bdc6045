/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Labels a socket. Without libselinux it can only tell whether SELinux is on. The label applies to one call of
 * socket(2) alone; the thread's other sockets get their usual label.
 */

#include "confine/selinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    LABEL_MAX = 512, /* bytes of a whole label, with its terminator */
};

#ifdef GIT_GATE_SELINUX

#include <selinux/selinux.h>

static bool is_on(void) {
    return is_selinux_enabled() > 0;
}

/* The kernel answers EINVAL to a label that its policy does not know. */
static enum selinux_label failure_of(int cause) {
    return cause == EINVAL ? SELINUX_LABEL_UNKNOWN : SELINUX_LABEL_REFUSED;
}

/* If the policy lacks the type, setting the label fails. If the policy forbids the type here, socket(2) fails. */
static int make_labelled(enum selinux_label *labelp, const char *type, int family, int kind) {
    _cleanup_fd_ int fd = -1;
    char context[LABEL_MAX];

    if (snprintf(context, sizeof(context), "system_u:object_r:%s:s0", type) >= (int)sizeof(context)) {
        *labelp = SELINUX_LABEL_UNKNOWN;
        return -1;
    }
    if (setsockcreatecon(context) < 0) {
        *labelp = failure_of(errno);
        return -1;
    }
    fd = socket(family, kind, 0);
    *labelp = fd < 0 ? SELINUX_LABEL_REFUSED : SELINUX_LABEL_SET;
    if (setsockcreatecon(NULL) < 0) {
        *labelp = SELINUX_LABEL_REFUSED;
        return -1;
    }
    return fd_take(&fd);
}

#else

static bool is_on(void) {
    return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

static int make_labelled(enum selinux_label *labelp, const char *type, int family, int kind) {
    (void)type, (void)family, (void)kind;
    *labelp = SELINUX_LABEL_UNBUILT;
    return -1;
}

#endif

int selinux_socket(enum selinux_label *labelp, const char *type, int family, int kind) {
    int fd;

    *labelp = SELINUX_LABEL_OFF;
    if (!type || !is_on()) {
        return socket(family, kind, 0);
    }
    fd = make_labelled(labelp, type, family, kind);
    return fd < 0 ? socket(family, kind, 0) : fd;
}

const char *selinux_failure(enum selinux_label label) {
    switch (label) {
    case SELINUX_LABEL_OFF:
    case SELINUX_LABEL_SET:
        break;
    case SELINUX_LABEL_UNKNOWN:
        return "the socket has no label of its own: the loaded policy has no such type; load the module git_gate by "
               "selinux/install, or see --selinux-type";
    case SELINUX_LABEL_REFUSED:
        return "the socket has no label of its own: the policy does not let this domain give it; selinux/README.md "
               "names the rules that the domain needs";
    case SELINUX_LABEL_UNBUILT:
        return "the socket has no label of its own: this git-gate was built without libselinux, see -Dselinux=enabled";
    }
    return NULL;
}

/* The file has USER:ROLE:TYPE:LEVEL. Its link /proc/self would name the first thread. */
void selinux_domain(char domain[SELINUX_DOMAIN_MAX]) {
    _cleanup_fd_ int fd = open("/proc/thread-self/attr/current", O_RDONLY | O_CLOEXEC);
    char text[LABEL_MAX];
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    const char *colon;

    domain[0] = '\0';
    text[size < 0 ? 0 : size] = '\0';
    colon = strchr(text, ':');
    colon = colon ? strchr(colon + 1, ':') : NULL;
    if (colon) {
        (void)snprintf(domain, SELINUX_DOMAIN_MAX, "%.*s", (int)strcspn(colon + 1, ":\n"), colon + 1);
    }
}
