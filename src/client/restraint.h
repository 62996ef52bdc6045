/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
    RESTRAINT_LABEL_MAX = 96, /* of a label, with terminator; a longer one is cut */
    RESTRAINT_WHO_MAX = 160,  /* of words, with terminator */
};

/* Where the kernel describes the calling process: proc(5). */
#define RESTRAINT_FOLDER "/proc/self"

/** enum restraint_policy - the security module that labels a process */
enum restraint_policy {
    RESTRAINT_NO_POLICY,
    RESTRAINT_SELINUX,
    RESTRAINT_APPARMOR,
};

/**
 * struct restraint - what may refuse a system call to this process although users and modes permit it
 * @has_filter: a filter of system calls, seccomp(2)
 * @policy: the security module that confines it
 * @label: its label there; empty without @policy
 */
struct restraint {
    bool has_filter;
    enum restraint_policy policy;
    char label[RESTRAINT_LABEL_MAX];
};

/** restraint_find() - read the files in @folder, RESTRAINT_FOLDER; a restraint that cannot be read counts as absent */
void restraint_find(struct restraint *restraint, const char *folder);

/**
 * restraint_who() - name the restraint that has most likely refused with the errno @cause
 * @who: for a sentence: "... refuses it"
 *
 * Return: what to do, static, for the end of a sentence.
 */
const char *restraint_who(const struct restraint *restraint, int cause, char who[RESTRAINT_WHO_MAX]);

/** restraint_is_refusal() - whether @cause is an errno of a refusal, and not of a fault */
bool restraint_is_refusal(int cause);

/** restraint_is_gvisor() - whether @version, of uname(2), is that of gVisor, which refuses sockets of the host */
bool restraint_is_gvisor(const char *version);

/* ---- user namespaces ---- */

/**
 * restraint_map_is_whole() - whether a user namespace maps every user
 * @map: the text of /proc/self/uid_map: see user_namespaces(7)
 */
bool restraint_map_is_whole(const char *map);

/** restraint_maps_every_user() - the same for this process's user namespace; true if the kernel has none */
bool restraint_maps_every_user(void);

/** restraint_overflow_user() - the user who stands for all users that are not mapped, usually 65534, nobody */
uid_t restraint_overflow_user(void);
