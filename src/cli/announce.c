/* SPDX-License-Identifier: Apache-2.0 */

/* Prints on standard output the lines that people paste and supervisors wait for. */

#include "cli/announce.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/token.h"
#include "base/percent.h"

/* Quotes @text as one word of a shell. */
static void print_word(const char *text) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/+,@%=";

    if (text[strspn(text, plain)] == '\0') {
        printf("%s", text);
        return;
    }
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'') {
            printf("'\\'"); /* closes the quotes, and escapes a quote; the one below opens them again */
        }
        putchar(*text);
    }
    putchar('\'');
}

/* A Unix socket is for git-remote-gate(1), which takes the token from the environment alone. */
static void print_clone_command(const char *address, const struct server_settings *settings, const char *name) {
    const char *path = address + strlen("unix:");
    char token[3 * TOKEN_MAX_BYTES + 1];

    if (strncmp(address, "unix:", strlen("unix:")) == 0) {
        printf("GIT_GATE_SOCKET=");
        print_word(path);
        printf(" GIT_GATE_TOKEN=");
        print_word(settings->policy.tokens[0]);
        printf(" git clone gate:///%s.git\n", name);
        return;
    }
    percent_encode(token, sizeof(token), settings->policy.tokens[0]);
    printf("git clone http://x:%s@%s/%s.git\n", token, address + strlen("http://"), name);
    explicit_bzero(token, sizeof(token));
}

/* One line for each repository. */
static void print_clone_commands(const char *address, const struct server_settings *settings) {
    for (char *const *scope = settings->policy.scopes; *scope; scope++) {
        print_clone_command(address, settings, strcmp(*scope, "*") == 0 ? "REPOSITORY" : *scope);
    }
}

void announce(const struct server *server, bool minted) {
    printf("listening %s\n", server->gate.listener.address);
    if (minted || isatty(STDOUT_FILENO)) {
        print_clone_commands(server->gate.listener.address, server->gate.settings);
    }
    (void)fflush(stdout);
}
