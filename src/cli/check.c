/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verb check: asks a gate whether it would serve a git client. This file finds the address, the repository and the
 * token. It must not repeat an argument that may contain a token.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "access/token.h"
#include "base/argument.h"
#include "base/fd.h"
#include "base/loopback.h"
#include "cli/check_mirror.h"
#include "cli/check_url.h"
#include "cli/cli.h"
#include "cli/findings.h"
#include "cli/token_source.h"
#include "client/dial.h"

/* The arguments, completed by the environment and by defaults. */
struct check {
    const char *socket;
    char *url_text;
    const char *token_file;
    const char *repository_text;
    const char *mirror_root;

    struct check_url url;       /* holds the repository, even if it comes from --repo */
    struct gate_config *config; /* holds the token */
};

static void check_deinit(struct check *check) {
    explicit_bzero(&check->url, sizeof(check->url));
    check->config = gate_config_free(check->config);
}

static void print_help(void) {
    printf("usage: git-gate check [--socket=PATH | --url=URL] [--token-file=FILE] [--repo=NAME] [--mirror-root=DIR]\n"
           "\n"
           "Asks a gate what a git client asks first, prints what it finds, and exits with 0\n"
           "when a client would be served, 1 when not, and 2 on wrong usage.\n"
           "\n"
           "  --socket=PATH      the gate's Unix socket [GIT_GATE_SOCKET, or\n"
           "                     %s]\n"
           "  --url=URL          instead of a socket: http://[x:TOKEN@]HOST[:PORT][/NAME.git]\n"
           "                     on the loopback\n"
           "  --token-file=FILE  token on the first line of FILE; '-' is standard input\n"
           "  --repo=NAME        the repository to ask for, when --url has none\n"
           "  --mirror-root=DIR  also look into DIR/NAME.git, for unsafe settings, missing objects,\n"
           "                     lock files that a killed git has left, and causes of slow clones\n"
           "\n"
           "Without --token-file and a token in --url, the token comes from GIT_GATE_TOKEN,\n"
           "the file that GIT_GATE_TOKEN_FILE names, or git-gate.token in $CREDENTIALS_DIRECTORY.\n",
           dial_default_socket);
}

/* ---- options ---- */

/* Does not repeat a value, or an argument that is not an option: either may be a token. */
static int refuse_argument(const char *argument, struct gate_error *error) {
    static const char *const names[] = {"socket", "url", "token-file", "repo", "mirror-root", "help", NULL};

    if (argument[0] != '-') {
        return gate_error_set(error, GATE_E_USAGE,
                              "check takes only options: use --url=URL, --socket=PATH and --repo=NAME");
    }
    return argument_refuse(argument, names, "--", "git-gate check", error);
}

static int parse(struct check *check, char *argv[], struct gate_error *error) {
    static const char *const once[] = {"--socket", "--url", "--token-file", "--repo", "--mirror-root", NULL};
    int r = argument_check_once(argv, once, "check", error);

    if (r) {
        return r;
    }
    for (int i = 1; argv[i]; i++) {
        const char *argument = argv[i];
        char *value = NULL;

        if (argument_take("--socket", argv, &i, &value)) {
            check->socket = value;
        } else if (argument_take("--url", argv, &i, &value)) {
            check->url_text = value;
        } else if (argument_take("--token-file", argv, &i, &value)) {
            check->token_file = value;
        } else if (argument_take("--repo", argv, &i, &value)) {
            check->repository_text = value;
        } else if (argument_take("--mirror-root", argv, &i, &value)) {
            check->mirror_root = value;
        } else {
            return refuse_argument(argument, error);
        }
        if (!value || !*value) {
            return gate_error_set(error, GATE_E_USAGE, "%.*s needs a value", argument_name_size(argument), argument);
        }
    }
    return 0;
}

/* ---- whom to ask ---- */

static int take_url(struct check *check, struct gate_error *error) {
    int r = check_url_parse(&check->url, check->url_text);

    check_url_hide(check->url_text); /* or /proc/PID/cmdline would go on showing the token */
    return r ? gate_error_set(error, GATE_E_USAGE,
                              "--url is not the URL of a gate: %s (it takes http://[x:TOKEN@]HOST:PORT/NAME.git on "
                              "the loopback)",
                              check->url.fault)
             : 0;
}

static int take_socket(struct check *check, struct gate_error *error) {
    struct sockaddr_un *address = (struct sockaddr_un *)&check->url.address;
    const char *from_environment = getenv("GIT_GATE_SOCKET");

    if (!check->socket) {
        check->socket = from_environment && *from_environment ? from_environment : dial_default_socket;
    }
    if (loopback_is_address(check->socket)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket and GIT_GATE_SOCKET take the path of a socket, and '%s' is an address; give "
                              "--url=http://%s",
                              check->socket, check->socket);
    }
    check->socket = dial_path(check->socket);
    if (strstr(check->socket, "://")) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--socket and GIT_GATE_SOCKET take the path of a socket; give a URL with --url");
    }
    if (strlen(check->socket) >= sizeof(address->sun_path)) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "the path in --socket or GIT_GATE_SOCKET is longer than %zu bytes, the most that a socket's path can have",
            sizeof(address->sun_path) - 1);
    }
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, check->socket, strlen(check->socket) + 1);
    (void)snprintf(check->url.host, sizeof(check->url.host), "localhost");
    check->url.address_size = sizeof(*address);
    return 0;
}

static int take_repository(struct check *check, struct gate_error *error) {
    if (check->repository_text && *check->url.repository) {
        return gate_error_set(error, GATE_E_USAGE, "the repository is in --url already; leave out --repo");
    }
    if (!check->repository_text && !*check->url.repository) {
        return gate_error_set(error, GATE_E_USAGE, "which repository? Give --repo=NAME%s",
                              check->url_text ? ", or /NAME.git at the end of --url" : "");
    }
    if (check->repository_text && !check_url_repository(check->url.repository, span_of(check->repository_text))) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--repo takes up to %d letters, digits, '.', '_' and '-', with or without .git",
                              ROUTE_REPOSITORY_MAX_BYTES);
    }
    return 0;
}

/* ---- the token ---- */

/* Return: the part that is more likely the token. A token is better given as the password, which programs hide. */
static const char *url_token(const struct check_url *url) {
    return *url->password ? url->password : url->user;
}

static int choose_token(struct check *check, struct gate_error *error) {
    const char *file = getenv("GIT_GATE_TOKEN_FILE");
    const char *from_url = url_token(&check->url);
    int r;

    if (check->token_file && *from_url) {
        return gate_error_set(error, GATE_E_USAGE, "the token is in --url already; leave out --token-file");
    }
    if (check->token_file) {
        return config_set_token_from(check->config, check->token_file, "--token-file=", error);
    }
    if (*from_url) {
        return gate_config_set(check->config, "token", from_url, error);
    }
    r = token_source_take_environment(check->config, "GIT_GATE_TOKEN_FILE or --token-file", error);
    if (r || check->config->settings.policy.tokens[0]) {
        return r;
    }
    if (file && *file) {
        return config_set_token_from(check->config, file, "GIT_GATE_TOKEN_FILE=", error);
    }
    r = token_source_take_credentials(check->config, config_set_token_from, error);
    return r || check->config->settings.policy.tokens[0]
               ? r
               : gate_error_set(error, GATE_E_USAGE,
                                "there is no token: give --token-file=FILE, GIT_GATE_TOKEN or GIT_GATE_TOKEN_FILE");
}

/* Finds the token, and removes it from the environment, even if the one that is used comes from elsewhere. */
static int take_token(struct check *check, struct gate_error *error) {
    int r = choose_token(check, error);

    token_source_forget_environment();
    return r;
}

/* ---- asking ---- */

static int complete(struct check *check, struct gate_error *error) {
    int r;

    if (check->socket && check->url_text) {
        check_url_hide(check->url_text);
        return gate_error_set(error, GATE_E_USAGE, "give either --socket or --url, not both");
    }
    if (gate_config_new(&check->config) < 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    r = check->url_text ? take_url(check, error) : take_socket(check, error);
    r = r ? r : take_repository(check, error);
    return r ? r : take_token(check, error);
}

/* Sends the user and the password of the URL, as git does, or else the token as the user. */
static int ask(const struct check *check, struct gate_error *error) {
    const char *token = check->config->settings.policy.tokens[0];
    bool is_in_url = *url_token(&check->url) != '\0';
    const char *user = is_in_url ? check->url.user : token;
    const char *password = is_in_url ? check->url.password : "";
    char credentials[TOKEN_CREDENTIALS_MAX];
    char address[sizeof("unix:") + sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct probe_target target = {.address = check->url.address,
                                  .address_size = check->url.address_size,
                                  .host = check->url.host,
                                  .repository = check->url.repository,
                                  .credentials = credentials};
    struct findings_subject subject = {
        .target = &target, .address = address, .socket_path = check->socket, .secrets = {user, password}};
    struct probe probe;
    int r;

    (void)snprintf(address, sizeof(address), "%s%s", check->socket ? "unix:" : "http://",
                   check->socket ? check->socket : check->url.host);
    token_encode(credentials, user, password);
    r = probe_run(&probe, &target);
    r = findings_print(&subject, &probe, r, error);
    if (check->mirror_root) {
        check_mirror_print(check->mirror_root, check->url.repository);
    }
    explicit_bzero(credentials, sizeof(credentials));
    return r;
}

static void warn(const struct gate_config *config) {
    const struct config_exposure *exposure = &config->exposure;

    if (exposure->words) {
        (void)fprintf(stderr, "git-gate: warning: %s; '%s' belongs to uid %u and has mode %04o\n", exposure->words,
                      exposure->path, (unsigned)exposure->owner, exposure->mode);
    }
}

int cli_check(int argc, char *argv[]) {
    _cleanup_(check_deinit) struct check check = {0};
    struct gate_error error = {0};
    int r;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return 0;
        }
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a failing write returns an error */
    r = parse(&check, argv, &error);
    r = r ? r : complete(&check, &error);
    if (!r) {
        warn(check.config);
    }
    r = r ? r : ask(&check, &error);
    if (fflush(stdout) != 0) {
        struct gate_error of_output;

        (void)gate_error_set(&of_output, GATE_E_INTERNAL, "cannot write to standard output: %s", strerror(errno));
        (void)cli_fail(&of_output);
        return r ? cli_fail(&error) : GATE_E_INTERNAL;
    }
    return r ? cli_fail(&error) : 0;
}
