/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The arguments of serve, one a line; the first is the name of the verb. They are parsed, and every path is taken out,
 * so that nothing of the machine is touched. Then they are resolved. They are also set one by one, as by a user of the
 * library. Each failure has a sentence without a secret, and an accepted configuration keeps its promises.
 */

#include "fuzz.h"

#include <getopt.h>
#include <limits.h>

#include "access/route.h"
#include "cli/cli.h"

enum {
    MAX_ARGUMENTS = 100,
};

static const char secret[] = "gate-0123456789abcdef0123456789abcdef";

/* Splits @text, which has a terminator, into strings. Return: their number. */
static int split(char *argv[MAX_ARGUMENTS], char *text, size_t size) {
    int argc = 0;

    argv[argc++] = text; /* as the name of the verb */
    for (size_t i = 0; i < size && argc < MAX_ARGUMENTS - 1; i++) {
        if (text[i] == '\n' || text[i] == '\0') {
            text[i] = '\0';
            argv[argc++] = text + i + 1;
        }
    }
    argv[argc] = NULL;
    return argc;
}

/* getopt(3) starts again only after a reset with 0. */
static void reset_getopt(void) {
    static const struct option none[] = {{0}};
    char name[] = "serve";
    char *empty[] = {name, NULL};

    optind = 0;
    require(getopt_long(1, empty, "-:h", none, NULL) == -1);
    optind = 1;
}

/* A sentence may quote a secret only if it was not an option's value. */
static bool may_be_quoted(int argc, char *argv[]) {
    for (int i = 1; i < argc; i++) {
        const char *at = strstr(argv[i], secret);
        const char *equals = strchr(argv[i], '=');

        if (at && (!equals || at < equals)) {
            return true;
        }
    }
    return false;
}

static void check_error(const struct gate_error *error, int r, bool may_quote) {
    require((r == 0) == (error->code == 0));
    if (r) {
        require(r == GATE_E_USAGE && error->code == r);
        require(strnlen(error->message, sizeof(error->message)) < sizeof(error->message) && *error->message);
        require(may_quote || !strstr(error->message, secret));
    }
}

static void check_settings(const struct server_settings *settings) {
    const uint64_t counts[] = {
        settings->max_connections, settings->max_backends,    settings->queue_timeout_s,   settings->header_timeout_s,
        settings->idle_timeout_s,  settings->stall_timeout_s, settings->backend_timeout_s,
    };
    char *const *scopes = settings->policy.scopes;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        require(counts[i] >= 1 && counts[i] <= INT_MAX);
    }
    require(settings->drain_timeout_s <= INT_MAX && settings->request_timeout_s <= INT_MAX &&
            settings->max_push_bytes <= INT64_MAX);
    require(settings->max_negotiation_bytes >= 1 && settings->max_negotiation_bytes <= INT64_MAX);
    require(settings->log_level < LOG_LEVEL_COUNT && settings->log_format < LOG_FORMAT_COUNT);
    require((settings->listener.socket_path != NULL) + (settings->listener.tcp_address != NULL) +
                (settings->listener.inherited_fd >= 0) ==
            1);
    require(strcmp(settings->policy.tokens[0], secret) == 0);
    require(scopes[0]);
    for (char *const *scope = scopes; *scope; scope++) {
        require((strcmp(*scope, "*") == 0 && !scopes[1]) || route_repository_is_valid(span_of(*scope)));
    }
    for (const char *at = settings->environ.remote_user; *at; at++) {
        require((unsigned char)*at >= ' ' && *at != 0x7f && !strchr("<>", *at));
    }
    for (char *const *value = settings->environ.git_config; *value; value++) {
        require(strchr(*value, '.') && strchr(*value, '=') && strchr(*value, '.') < strchr(*value, '='));
    }
    for (char *const *value = settings->environ.hide_refs; *value; value++) {
        require(strncmp(*value + strspn(*value, "!^"), "refs/", 5) == 0);
    }
}

static void check_resolve(struct gate_config *config, bool may_quote) {
    struct gate_error error = {0};
    int r;

    if (config->settings.environ.mirror_root) {
        require(gate_config_set(config, "mirror-root", "/", &error) == 0);
    }
    config_unset(config, "home");
    config_unset(config, "hooks-path");
    config_unset(config, "token-file");
    require(gate_config_set(config, "token", secret, &error) == 0);
    r = config_resolve(config, &error);
    check_error(&error, r, may_quote);
    if (!r) {
        check_settings(&config->settings);
    }
}

/* Sets NAME=VALUE by the library, which has more names than the command line. */
static void check_set(struct gate_config *config, const char *argument) {
    size_t name_size = strcspn(argument, "=");
    struct gate_error error = {0};
    char *name;
    int r;

    if (argument[name_size]) {
        name = fuzz_copy((struct span){argument, name_size + 1});
        name[name_size] = '\0';
        r = gate_config_set(config, name + strspn(name, "-"), argument + name_size + 1, &error);
        check_error(&error, r, strstr(name, secret) != NULL);
        free(name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_allocate(size + 1);
    struct gate_error error = {0};
    char *argv[MAX_ARGUMENTS];
    struct gate_config *config;
    const char *positional;
    bool wants_help;
    bool may_quote;
    int argc;
    int r;

    memcpy(text, data, size);
    text[size] = '\0';
    argc = split(argv, text, size);
    may_quote = may_be_quoted(argc, argv);
    reset_getopt();
    require(gate_config_new(&config) == 0);
    r = options_parse(config, argc, argv, &positional, &wants_help, &error);
    check_error(&error, r, may_quote);
    require(!positional || (positional >= text && positional <= text + size));
    if (!r) {
        check_resolve(config, memmem(data, size, secret, strlen(secret)) != NULL);
    }
    for (int i = 1; i < argc; i++) {
        check_set(config, argv[i]);
    }
    gate_config_free(config);
    free(text);
    return 0;
}
