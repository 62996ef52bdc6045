/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SELinux: the label of a socket. Whoever connects needs the right to do so with the label of the socket itself, not
 * with that of the file by which it is found, so a policy can tell the gate's socket from others only when it was made
 * with one of its own.
 */

/** enum selinux_label - what became of it */
enum selinux_label {
    SELINUX_LABEL_OFF,    /* none was wanted, or SELinux is off */
    SELINUX_LABEL_SET,    /* the socket has it */
    SELINUX_LABEL_FAILED, /* the socket has that of the process: selinux_failure() says why */
};

/**
 * selinux_socket() - socket(2), with the label system_u:object_r:TYPE:s0 if that can be had
 * @type: TYPE; NULL for no label
 * @family, @kind: as socket(2) takes them
 *
 * Further sockets of the calling thread are not labelled.
 *
 * Return: as socket(2). What keeps it from its label does not keep it from being made.
 */
int selinux_socket(enum selinux_label *labelp, const char *type, int family, int kind);

/** selinux_failure() - a sentence for SELINUX_LABEL_FAILED, which names what mends it */
const char *selinux_failure(void);
