/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes the three system calls of Landlock, for which no library is packaged, and knows the rights that each ABI can
 * deny. It knows no paths.
 */

#include "confine/landlock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* From linux/landlock.h. The comment names the first kernel; the headers of the build machine may be older. */
#define FS_TRUNCATE (UINT64_C(1) << 14)          /* ABI 3, Linux 6.2 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)         /* ABI 5, Linux 6.10 */
#define NET_BIND_TCP (UINT64_C(1) << 0)          /* ABI 4, Linux 6.7 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)       /* ABI 4 */
#define SCOPE_ABSTRACT_SOCKET (UINT64_C(1) << 0) /* ABI 6, Linux 6.12 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)          /* ABI 6 */

enum {
    ABI_TRUNCATE = 3,
    ABI_NET = 4,
    ABI_IOCTL = 5,
};

/* struct landlock_ruleset_attr of ABI 6. An older kernel accepts it as long as the fields unknown to it are 0. */
struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_CHANGE                                                                                                      \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
#define FS_NEVER                                                                                                       \
    (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                      \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | FS_IOCTL_DEV)
/* The rights that exist for a path that is no folder. The kernel rejects a rule with other rights for such a path. */
#define FS_OF_FILE                                                                                                     \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE |         \
     FS_IOCTL_DEV)

static const uint64_t allowed[] = {
    [LANDLOCK_READ] = FS_READ,
    [LANDLOCK_RUN] = FS_READ | LANDLOCK_ACCESS_FS_EXECUTE,
    [LANDLOCK_CHANGE] = FS_READ | FS_CHANGE,
    [LANDLOCK_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
};
static_assert(sizeof(allowed) / sizeof(allowed[0]) == LANDLOCK_ACCESS_COUNT, "one line for each access");

int landlock_abi(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi < 0 ? -errno : abi < LANDLOCK_ABI_MIN ? -EOPNOTSUPP : (int)abi;
}

static int begin(struct landlock *landlock, const struct ruleset_attr *attr) {
    *landlock = LANDLOCK_NONE;
    landlock->denied = attr->handled_access_fs;
    landlock->fd = (int)syscall(SYS_landlock_create_ruleset, attr, sizeof(*attr), 0U); /* close-on-exec by itself */
    return landlock->fd < 0 ? -errno : 0;
}

int landlock_deny_all(struct landlock *landlock, int abi) {
    uint64_t unknown = (abi < ABI_TRUNCATE ? FS_TRUNCATE : 0) | (abi < ABI_IOCTL ? FS_IOCTL_DEV : 0);

    return begin(landlock,
                 &(struct ruleset_attr){
                     .handled_access_fs = (FS_READ | LANDLOCK_ACCESS_FS_EXECUTE | FS_CHANGE | FS_NEVER) & ~unknown,
                     .handled_access_net = abi < ABI_NET ? 0 : NET_BIND_TCP | NET_CONNECT_TCP,
                     .scoped = abi < LANDLOCK_ABI_SCOPE ? 0 : SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL,
                 });
}

/* A ruleset that does not allow LANDLOCK_ACCESS_FS_REFER always denies moving files: landlock(7). */
int landlock_deny_parents(struct landlock *landlock, int abi, bool denies_reading) {
    return begin(landlock, &(struct ruleset_attr){
                               .handled_access_fs = LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER |
                                                    (denies_reading ? FS_READ : 0),
                               .scoped = abi < LANDLOCK_ABI_SCOPE ? 0 : SCOPE_SIGNAL,
                           });
}

int landlock_allow_fd(const struct landlock *landlock, int fd, enum landlock_access access) {
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat status;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    rule.allowed_access = allowed[access] & landlock->denied & (S_ISDIR(status.st_mode) ? UINT64_MAX : FS_OF_FILE);
    if (rule.allowed_access == 0) {
        return 0; /* the ruleset denies none of these rights */
    }
    return syscall(SYS_landlock_add_rule, landlock->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) < 0 ? LANDLOCK_E_KERNEL
                                                                                                   : 0;
}

int landlock_allow(const struct landlock *landlock, const char *path, enum landlock_access access) {
    _cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);

    return fd < 0 ? -errno : landlock_allow_fd(landlock, fd, access);
}

int landlock_enforce(const struct landlock *landlock) {
    return syscall(SYS_landlock_restrict_self, landlock->fd, 0U) < 0 ? -errno : 0;
}

void landlock_deinit(struct landlock *landlock) {
    landlock->fd = fd_close(landlock->fd);
}
