/* SPDX-License-Identifier: Apache-2.0 */

/* Gives up privileges, core dumps and inherited descriptors, by plain system calls. */

#include "confine/limits.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int limits_keep_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ? -errno : 0;
}

static int fail(const char **callp, const char *call) {
    *callp = call;
    return -errno;
}

/* libcap(3) is not needed: prctl(2) and capset(2) leave the calling thread without any capability. */
int limits_drop_capabilities(bool *hadp, const char **callp) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
    static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    *hadp = false;
    if (syscall(SYS_capget, &header, sets) < 0) {
        return fail(callp, "capget");
    }
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        *hadp |= (sets[i].effective | sets[i].permitted | sets[i].inheritable) != 0;
    }
    for (long capability = 0; prctl(PR_CAPBSET_DROP, capability) == 0; capability++) {
    } /* until the last one; without CAP_SETPCAP the first fails, and none could be regained anyway */
    (void)prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L); /* missing before Linux 4.3 */
    return syscall(SYS_capset, &header, none) < 0 ? fail(callp, "capset") : 0;
}

int limits_hide_process(const char **callp) {
    if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0) {
        return fail(callp, "prctl(PR_SET_DUMPABLE)");
    }
    return setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0 ? fail(callp, "setrlimit(RLIMIT_CORE)") : 0;
}

int limits_close_inherited(int first) {
    return syscall(SYS_close_range, (unsigned)first, ~0U, 0U) < 0 ? -errno : 0;
}
