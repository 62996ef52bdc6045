/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens the loopback port for git's HTTP helper, or says why that failed. It must not open the port if the users of
 * connections cannot be told apart: other users could reach the gate through it.
 */

#include "client/remote_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/owner.h"
#include "client/restraint.h"

/* On an interface that is down, a socket can be bound, but nobody can connect. Return: 0 or a negative errno. */
static int check_loopback(void) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) { /* nothing is sent */
        return -errno;
    }
    return 0;
}

static int check_owners(struct gate_error *error) {
    if (access(OWNER_TABLE, R_OK) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "%s cannot be read: %s; it tells which user connects to 127.0.0.1, so mount /proc here, "
                              "with its folder net",
                              OWNER_TABLE, strerror(errno));
    }
    if (!owner_tells_users_apart()) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "other users cannot be told from this one, for in this user namespace both are %lu, "
                              "nobody; run git as another user, or in a network namespace of the container's own",
                              (unsigned long)geteuid());
    }
    return 0;
}

static int explain(int cause, struct gate_error *error) {
    static const char port[] = "git's HTTP helper is reached over 127.0.0.1";
    char who[RESTRAINT_WHO_MAX];
    struct restraint restraint;
    const char *remedy;

    if (cause == ENETUNREACH || cause == ENETDOWN || cause == EADDRNOTAVAIL) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "%s, which is not there: %s; raise the loopback with 'ip link set lo up', as root of the "
                              "container",
                              port, strerror(cause));
    }
    if (!restraint_is_refusal(cause)) {
        return gate_error_set(error, GATE_E_INTERNAL, "%s, where no port can be opened: %s", port, strerror(cause));
    }
    restraint_find(&restraint, RESTRAINT_FOLDER);
    remedy = restraint_who(&restraint, cause, who);
    return gate_error_set(error, GATE_E_INTERNAL, "%s, and %s refuses a port there: %s; %s", port, who, strerror(cause),
                          remedy);
}

int remote_port_open(struct bridge *bridge, struct gate_error *error) {
    const struct sockaddr_in any_port = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_storage address = {0};
    int r = check_owners(error);

    if (r) {
        return r;
    }
    memcpy(&address, &any_port, sizeof(any_port));
    r = check_loopback();
    r = r ? r : bridge_listen(bridge, &address, sizeof(any_port));
    return r ? explain(-r, error) : 0;
}
