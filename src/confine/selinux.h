/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SELinux labels for sockets. A client needs the right to connect to the label of the socket itself; the label of the
 * socket's file does not matter. So a policy can tell the gate's socket from others only if the socket was made with a
 * label of its own.
 */

/** enum selinux_label - what happened to the label */
enum selinux_label {
    SELINUX_LABEL_OFF,    /* no label was wanted, or SELinux is off */
    SELINUX_LABEL_SET,    /* the socket has the label */
    SELINUX_LABEL_FAILED, /* the socket has the process's label: selinux_failure() says why */
};

/**
 * selinux_socket() - call socket(2) and label the socket system_u:object_r:TYPE:s0, if possible
 * @type: TYPE; NULL for no label
 * @family, @kind: as for socket(2)
 *
 * Later sockets of the calling thread are not labelled.
 *
 * Return: as socket(2). If the label fails, the socket is still made.
 */
int selinux_socket(enum selinux_label *labelp, const char *type, int family, int kind);

/** selinux_failure() - a sentence that explains SELINUX_LABEL_FAILED and says how to mend it */
const char *selinux_failure(void);
