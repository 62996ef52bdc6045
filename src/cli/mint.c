/* SPDX-License-Identifier: Apache-2.0 */

/* The verb mint: prints a fresh token. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "access/token.h"
#include "base/argument.h"
#include "cli/cli.h"

static void print_help(void) {
    printf("usage: git-gate mint [--prefix=PREFIX]\n"
           "\n"
           "Prints a fresh token: a prefix and %d hex digits from getrandom(2).\n"
           "\n"
           "  --prefix=PREFIX  the beginning of the token; may be empty [%s]\n",
           TOKEN_MINT_HEX_DIGITS, token_default_prefix);
}

/* An argument that is not an option may be a token, so it is not repeated. */
static int refuse_argument(const char *argument, struct gate_error *error) {
    static const char *const names[] = {"prefix", "help", NULL};

    return argument[0] == '-' ? argument_refuse(argument, names, "--", "git-gate mint", error)
                              : gate_error_set(error, GATE_E_USAGE, "mint takes --prefix=PREFIX, and nothing else");
}

int cli_mint(int argc, char *argv[]) {
    static const char *const once[] = {"--prefix", NULL};
    char *prefix = NULL;
    char token[TOKEN_MAX_BYTES + 1];
    struct gate_error error;
    int r = argument_check_once(argv, once, "mint", &error);

    if (r) {
        return cli_fail(&error);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return 0;
        }
        if (!argument_take("--prefix", argv, &i, &prefix)) {
            (void)refuse_argument(argv[i], &error);
            return cli_fail(&error);
        }
        if (!prefix) {
            (void)gate_error_set(&error, GATE_E_USAGE, "--prefix needs a value; '--prefix=' is for none");
            return cli_fail(&error);
        }
    }
    r = token_mint(token, sizeof(token), prefix ? prefix : token_default_prefix);
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
