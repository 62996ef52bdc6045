/* SPDX-License-Identifier: Apache-2.0 */

/* Owns standard output: what people paste, and supervisors wait for. */

#include "cli/announce.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/token.h"
#include "base/percent.h"

/* git has no HTTP over Unix sockets, so a relay stands between. */
static void print_clone_command(const char *address, const struct server_settings *settings) {
    const char *name = strcmp(settings->policy.scope, "*") == 0 ? "REPOSITORY" : settings->policy.scope;
    char token[3 * TOKEN_MAX_BYTES + 1] = "";

    percent_encode(token, sizeof(token), settings->policy.token);
    if (strncmp(address, "unix:", 5) == 0) {
        printf("socat TCP-LISTEN:9418,bind=127.0.0.1,fork,reuseaddr 'UNIX-CONNECT:%s' & "
               "git clone http://%s:@127.0.0.1:9418/%s.git\n",
               address + 5, token, name);
    } else {
        printf("git clone http://%s:@%s/%s.git\n", token, address + strlen("http://"), name);
    }
    explicit_bzero(token, sizeof(token));
}

void announce(const struct server *server, bool minted) {
    printf("listening %s\n", server->listener.address);
    if (minted || isatty(STDOUT_FILENO)) {
        print_clone_command(server->listener.address, server->settings);
    }
    (void)fflush(stdout);
}
