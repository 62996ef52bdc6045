/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds out what may refuse a system call to this process although users and modes permit it: a filter of system calls,
 * a security module, the sandbox's own kernel, a user namespace. It reads files of /proc, and changes nothing. Access
 * may depend on the maps of users, and must not depend on its other answers, which are for sentences to people.
 */

#include "client/restraint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    OVERFLOW_USER = 65534, /* if /proc does not tell it */
    TEXT_MAX_BYTES = 4096, /* of a file */
    PATH_MAX_BYTES = 256,
};

/* Reads the beginning of a file into @text, and ends it. Return: 0, or a negative errno. */
static int read_text(const char *path, char *text, size_t size) {
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    text[n < 0 ? 0 : n] = '\0';
    return n < 0 ? -errno : 0;
}

static int read_in(const char *folder, const char *name, char *text, size_t size) {
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return read_text(path, text, size);
}

/* ---- filters and security modules ---- */

/* @status: the text of /proc/self/status. Mode 2 means a filter. */
static bool has_filter(const char *status) {
    static const char name[] = "\nSeccomp:";
    const char *line = strstr(status, name);

    return line && strtoul(line + strlen(name), NULL, 10) == 2;
}

/*
 * SELinux writes USER:ROLE:TYPE, AppArmor "PROFILE (MODE)" or "unconfined". In the mode "complain" AppArmor refuses
 * nothing.
 */
static enum restraint_policy parse_label(char *label) {
    char *mode;

    label[strcspn(label, "\n")] = '\0';
    mode = strstr(label, " (");
    if (mode) {
        bool refuses = strcmp(mode, " (complain)") != 0;

        *mode = '\0';
        return refuses ? RESTRAINT_APPARMOR : RESTRAINT_NO_POLICY;
    }
    return strchr(label, ':') ? RESTRAINT_SELINUX : RESTRAINT_NO_POLICY;
}

void restraint_find(struct restraint *restraint, const char *folder) {
    char text[TEXT_MAX_BYTES];

    *restraint = (struct restraint){0};
    if (read_in(folder, "status", text, sizeof(text)) == 0) {
        restraint->has_filter = has_filter(text);
    }
    if (read_in(folder, "attr/current", text, sizeof(text)) == 0) {
        restraint->policy = parse_label(text);
    }
    if (restraint->policy != RESTRAINT_NO_POLICY) {
        (void)snprintf(restraint->label, sizeof(restraint->label), "%.*s", RESTRAINT_LABEL_MAX - 1, text);
    }
}

bool restraint_is_refusal(int cause) {
    return cause == EACCES || cause == EPERM || cause == ENOSYS || cause == EAFNOSUPPORT;
}

/* Security modules answer EACCES. The author of a filter chooses its errno, which is EPERM more often than not. */
const char *restraint_who(const struct restraint *restraint, int cause, char who[RESTRAINT_WHO_MAX]) {
    bool is_of_module = cause == EACCES && restraint->policy != RESTRAINT_NO_POLICY;

    if (restraint->has_filter && !is_of_module) {
        (void)snprintf(who, RESTRAINT_WHO_MAX, "a filter of system calls (seccomp)");
        return "permit it in the settings of the sandbox or container";
    }
    if (is_of_module && restraint->policy == RESTRAINT_SELINUX) {
        (void)snprintf(who, RESTRAINT_WHO_MAX, "SELinux, where this process is '%s',", restraint->label);
        return "permit it in its policy";
    }
    if (is_of_module) {
        (void)snprintf(who, RESTRAINT_WHO_MAX, "AppArmor, by the profile '%s',", restraint->label);
        return "permit it in that profile";
    }
    (void)snprintf(who, RESTRAINT_WHO_MAX, "a security module of the host's kernel");
    return "its log says which (dmesg)";
}

/* gVisor's releases have had different names, but always this date. */
bool restraint_is_gvisor(const char *version) {
    return strstr(version, "Sun Jan 10 15:06:54 PST 2016") != NULL;
}

/* ---- user namespaces ---- */

bool restraint_map_is_whole(const char *map) {
    static const unsigned long whole[] = {0, 0, UINT32_MAX};

    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        char *end;

        map += strspn(map, " ");
        if (*map < '0' || *map > '9' || strtoul(map, &end, 10) != whole[i]) {
            return false;
        }
        map = end;
    }
    return strcmp(map, "\n") == 0;
}

/* Without this file the kernel has no user namespaces. */
bool restraint_maps_every_user(void) {
    char map[TEXT_MAX_BYTES];
    int r = read_in(RESTRAINT_FOLDER, "uid_map", map, sizeof(map));

    return r == -ENOENT || (!r && restraint_map_is_whole(map));
}

uid_t restraint_overflow_user(void) {
    char text[TEXT_MAX_BYTES];

    return read_text("/proc/sys/kernel/overflowuid", text, sizeof(text)) ? OVERFLOW_USER
                                                                         : (uid_t)strtoul(text, NULL, 10);
}
