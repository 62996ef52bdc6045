/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"

enum {
    SOCKET_FILE_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path), /* bytes, with terminator */
};

/**
 * struct socket_access - which users may connect to a new Unix socket
 * @mode: of the socket
 * @group: its group, as given; NULL for the group that the kernel chooses
 * @gid: the number of @group
 */
struct socket_access {
    unsigned mode;
    const char *group;
    gid_t gid;
};

/**
 * socket_file_folder() - write the folder of the socket @path, with its slash; "." for none
 * @path: shorter than SOCKET_FILE_PATH_MAX
 */
void socket_file_folder(char folder[SOCKET_FILE_PATH_MAX + 1], const char *path);

/**
 * socket_file_make_parents() - make the missing folders of --socket
 *
 * They get mode 0700. If the socket's group may connect, they get mode 0710 and that group, so that its members can
 * reach the socket. Existing folders stay as they are.
 *
 * Return: 0, GATE_E_START.
 */
int socket_file_make_parents(const char *path, const struct socket_access *access, struct gate_error *error);

/**
 * socket_file_admit() - give the socket its group, and then its mode
 * @identityp: receives the socket's status, even if the rest fails, so that the caller can remove it
 *
 * Call it between bind(2) and listen(2): until listen(2) the kernel refuses every client.
 *
 * Return: 0, GATE_E_START.
 */
int socket_file_admit(struct stat *identityp, const char *path, const struct socket_access *access,
                      struct gate_error *error);

/**
 * socket_file_is_exposed() - whether any user may replace the socket, because its folder is open to all and not sticky
 * @modep: receives the folder's mode
 */
bool socket_file_is_exposed(const char *path, unsigned *modep);
