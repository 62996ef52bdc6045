/* SPDX-License-Identifier: Apache-2.0 */

/* git-gate mint: print a fresh token. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "access/token.h"
#include "cli/cli.h"

static void print_help(void) {
    printf("usage: git-gate mint [--prefix=PREFIX]\n"
           "\n"
           "Prints a fresh token: PREFIX [%s] and %d hex digits from getrandom(2).\n",
           token_default_prefix, TOKEN_MINT_HEX_DIGITS);
}

int cli_mint(int argc, char *argv[]) {
    static const char option[] = "--prefix=";
    const char *prefix = token_default_prefix;
    char token[TOKEN_MAX_BYTES + 1];
    struct gate_error error;
    int r;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return 0;
        }
        if (strcmp(argv[i], "--prefix") == 0 && i + 1 < argc) {
            prefix = argv[++i];
            continue;
        }
        if (strncmp(argv[i], option, strlen(option)) != 0) {
            (void)gate_error_set(&error, GATE_E_USAGE, "mint takes --prefix=PREFIX, and not '%.128s'", argv[i]);
            return cli_fail(&error);
        }
        prefix = argv[i] + strlen(option);
    }
    r = token_mint(token, sizeof(token), prefix);
    if (r == -EINVAL) {
        (void)gate_error_set(&error, GATE_E_USAGE,
                             "--prefix takes up to %d printable ASCII characters without space and colon",
                             TOKEN_MAX_BYTES - TOKEN_MINT_HEX_DIGITS);
        return cli_fail(&error);
    }
    if (r) {
        (void)gate_error_set(&error, GATE_E_INTERNAL, "no random bytes: %s", strerror(-r));
        return cli_fail(&error);
    }
    printf("%s\n", token);
    if (fflush(stdout) != 0) {
        (void)gate_error_set(&error, GATE_E_INTERNAL, "cannot write to standard output: %s", strerror(errno));
        return cli_fail(&error);
    }
    return 0;
}
