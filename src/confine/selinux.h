/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SELinux labels for sockets. A client needs the right to connect to the label of the socket itself; the label of the
 * socket's file does not matter. So a policy can tell the gate's socket from others only if the socket was made with a
 * label of its own.
 */

/** enum selinux_label - what happened to the label; after a failure the socket has the process's label */
enum selinux_label {
    SELINUX_LABEL_OFF,     /* no label was wanted, or SELinux is off */
    SELINUX_LABEL_SET,     /* the socket has the label */
    SELINUX_LABEL_UNKNOWN, /* failure: the loaded policy has no such type */
    SELINUX_LABEL_REFUSED, /* failure: the policy does not let this process give the label to a socket */
    SELINUX_LABEL_UNBUILT, /* failure: this program was built without libselinux */
};

enum {
    SELINUX_DOMAIN_MAX = 256, /* of a domain, with terminator; a longer one is cut */
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

/** selinux_failure() - a sentence that explains a failure and says how to mend it; NULL when @label is none */
const char *selinux_failure(enum selinux_label label);

/** selinux_domain() - the type of the calling thread, as git_gate_t; empty if it cannot be told */
void selinux_domain(char domain[SELINUX_DOMAIN_MAX]);
