/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Labels a socket. Without libselinux it can only tell whether SELinux is on. The label applies to one call of
 * socket(2) alone; the thread's other sockets get their usual label.
 */

#include "confine/selinux.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#ifdef GIT_GATE_SELINUX

#include <selinux/selinux.h>

enum {
    CONTEXT_MAX = 512, /* bytes of a whole label, with its terminator */
};

static bool is_on(void) {
    return is_selinux_enabled() > 0;
}

/* The policy may lack the type, so setting the label fails. It may forbid the type here, so socket(2) fails. */
static int make_labelled(const char *type, int family, int kind) {
    _cleanup_fd_ int fd = -1;
    char context[CONTEXT_MAX];

    if (snprintf(context, sizeof(context), "system_u:object_r:%s:s0", type) >= (int)sizeof(context) ||
        setsockcreatecon(context) < 0) {
        return -1;
    }
    fd = socket(family, kind, 0);
    return setsockcreatecon(NULL) < 0 ? -1 : fd_take(&fd);
}

const char *selinux_failure(void) {
    return "the socket has no label of its own: load the policy module git_gate by selinux/install, or see "
           "--selinux-type";
}

#else

static bool is_on(void) {
    return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

static int make_labelled(const char *type, int family, int kind) {
    (void)type, (void)family, (void)kind;
    return -1;
}

const char *selinux_failure(void) {
    return "the socket has no label of its own: this git-gate was built without libselinux, see -Dselinux=enabled";
}

#endif

int selinux_socket(enum selinux_label *labelp, const char *type, int family, int kind) {
    int fd;

    *labelp = SELINUX_LABEL_OFF;
    if (!type || !is_on()) {
        return socket(family, kind, 0);
    }
    fd = make_labelled(type, family, kind);
    *labelp = fd < 0 ? SELINUX_LABEL_FAILED : SELINUX_LABEL_SET;
    return fd < 0 ? socket(family, kind, 0) : fd;
}
