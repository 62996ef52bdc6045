/* SPDX-License-Identifier: Apache-2.0 */

/* Finds the group of the Unix socket: a number, or a name in the system's database of groups. */

#include "library/socket_group.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum {
    ENTRY_MAX_BYTES = 1 << 15, /* of a group, with the names of its members */
    NUMBER_MAX_DIGITS = 10,
};

/* (gid_t)-1 is not a group: chown(2) takes it for "no change". */
static bool parse_number(gid_t *gidp, const char *text) {
    size_t size = strspn(text, "0123456789");
    unsigned long long number;

    if (size == 0 || size > NUMBER_MAX_DIGITS || text[size] != '\0') {
        return false;
    }
    number = strtoull(text, NULL, 10);
    *gidp = (gid_t)number;
    return number < (gid_t)-1;
}

#if defined(GIT_GATE_STATIC) && defined(__GLIBC__)
static void close_file(FILE **filep) {
    if (*filep) {
        (void)fclose(*filep);
    }
}

/*
 * Looks only in /etc/group. A static program must not load the system's modules (nsswitch.conf), which are made for
 * another libc. Return: 0 or an errno; ENOENT if there is no such group.
 */
static int look_up(gid_t *gidp, const char *name) {
    _cleanup_(close_file) FILE *file = fopen("/etc/group", "re");
    char bytes[ENTRY_MAX_BYTES];
    struct group *found = NULL;
    struct group group;
    int r = file ? 0 : errno;

    while (r == 0 && (r = fgetgrent_r(file, &group, bytes, sizeof(bytes), &found)) == 0) {
        if (strcmp(group.gr_name, name) == 0) {
            *gidp = group.gr_gid;
            return 0;
        }
    }
    return r;
}
#else
/* Return: 0 or an errno; ENOENT when there is no such group. */
static int look_up(gid_t *gidp, const char *name) {
    char bytes[ENTRY_MAX_BYTES];
    struct group *found = NULL;
    struct group group;
    int r = getgrnam_r(name, &group, bytes, sizeof(bytes), &found);

    if (r == 0 && found) {
        *gidp = found->gr_gid;
    }
    return r ? r : found ? 0 : ENOENT;
}
#endif

static int find_group(struct socket_access *access, struct gate_error *error) {
    int r = parse_number(&access->gid, access->group) ? 0 : look_up(&access->gid, access->group);

    if (r == ENOENT) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket-group=%.64s is not a group here; give the name or the number of one",
                              access->group);
    }
    return r ? gate_error_set(error, GATE_E_USAGE, "--socket-group=%.64s cannot be looked up: %s; give its number",
                              access->group, strerror(r))
             : 0;
}

int socket_group_resolve(struct gate_config *config, struct gate_error *error) {
    struct listener_settings *listener = &config->settings.listener;
    const char *option = config_is_given(config, "socket-mode") ? "mode" : listener->access.group ? "group" : NULL;

    if (option && !listener->socket_path) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket-%s is for the socket that --socket makes; a .socket unit has SocketMode= and "
                              "SocketGroup= instead",
                              option);
    }
    return listener->access.group ? find_group(&listener->access, error) : 0;
}
