/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the table of options and the values set by it. A value is checked when it is set, so that the sentence can name
 * the option; what only shows in the whole is config_resolve()'s, in resolve.c.
 */

#include "library/config.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/argument.h"

#define AT(member) offsetof(struct gate_config, member)

static const struct config_option options[] = {
    {"mirror-root", CONFIG_TEXT, "DIR", NULL, "directory that holds the repository SCOPE.git", false, AT(mirror_root)},
    {"scope", CONFIG_TEXT, "NAME", NULL,
     "the one repository that is served, without .git;\n'*' for all below the mirror root", false, AT(scope)},
    {"socket", CONFIG_TEXT, "PATH", NULL, "listen on a Unix socket, mode 0600; a stale one is replaced", false,
     AT(socket)},
    {"listen", CONFIG_TEXT, "HOST:PORT", NULL, "listen on loopback TCP; port 0 picks one", false, AT(listen)},
    {"token-file", CONFIG_TEXT, "FILE", NULL, "token on the first line of FILE; '-' is standard input", false,
     AT(token_file)},
    {"read-only", CONFIG_FLAG, NULL, "no", "fetches only", false, AT(read_only)},
    {"hooks-path", CONFIG_TEXT, "DIR", NULL,
     "hooks that git runs (core.hooksPath); without it none runs.\nMust not lie inside a served repository", false,
     AT(hooks_path)},
    {"home", CONFIG_TEXT, "DIR", NULL, "HOME of git, whose .gitconfig is read;\nwithout it no global configuration is",
     false, AT(home)},
    {"remote-user", CONFIG_TEXT, "NAME", "token", "who pushes, in reflogs", false, AT(remote_user)},
    {"git-config", CONFIG_LIST, "KEY=VALUE", NULL, "one more setting for git; repeatable", false, AT(git_config)},
    {"hide-refs", CONFIG_LIST, "PREFIX", "refs/gate",
     "hidden from clients; repeatable, the first one replaces\nthe default", false, AT(hide_refs)},
    {"trust-owner", CONFIG_FLAG, NULL, "no", "serve a repository that another user owns", false, AT(trust_owner)},
    {"alternates", CONFIG_LIST, "yes|no|DIR", "yes",
     "object stores outside that the repository may borrow\nfrom: any, none, those below DIR; repeatable", false,
     AT(alternates)},
    {"confine", CONFIG_CHOICE, "auto|require|off", "auto",
     "keep git, its hooks and the gate to the repository:\nas far as the kernel can; or else do not start; or not",
     false, AT(confine)},
    {"allow-path", CONFIG_LIST, "PATH", NULL,
     "one more path that git and hooks may read and execute\nunder --confine; repeatable", false, AT(allow_path)},
    {"advertisement-cache", CONFIG_CHOICE, "no|yes", "yes", "answer what git would say again from memory", false,
     AT(advertisement_cache)},
    {"die-with-parent", CONFIG_FLAG, NULL, "no", "stop, as on SIGTERM, when the process that started it ends", false,
     AT(die_with_parent)},
    {"selinux-type", CONFIG_TEXT, "TYPE", "git_gate_socket_t", "in the Unix socket's label, under SELinux", false,
     AT(selinux_type)},
    {"max-connections", CONFIG_COUNT, "N", "256", "clients at once; beyond it, those who ask nothing give way", false,
     AT(max_connections)},
    {"max-backends", CONFIG_COUNT, "N", "16", "git processes at once; further requests queue", false, AT(max_backends)},
    {"queue-timeout", CONFIG_SECONDS, "S", "30", "for a queued request, then 503", false, AT(queue_timeout)},
    {"max-push-bytes", CONFIG_BYTES, "N", "0",
     "body of a push, and each file that git writes for it;\n0 for no bound; N may end in K, M or G", false,
     AT(max_push_bytes)},
    {"max-negotiation-bytes", CONFIG_SIZE, "N", "32M", "body of a fetch, after gunzip", false,
     AT(max_negotiation_bytes)},
    {"header-timeout", CONFIG_SECONDS, "S", "10", "from a request's first byte, or accept, to its whole head", false,
     AT(header_timeout)},
    {"idle-timeout", CONFIG_SECONDS, "S", "75", "a kept connection with no request", false, AT(idle_timeout)},
    {"stall-timeout", CONFIG_SECONDS, "S", "60", "no byte moved by a client that the gate waits for", false,
     AT(stall_timeout)},
    {"backend-timeout", CONFIG_SECONDS, "S", "600", "no byte moved by git while the gate waits for it", false,
     AT(backend_timeout)},
    {"request-timeout", CONFIG_DRAIN, "S", "3600", "a request as a whole, hooks included; 0 for no bound", false,
     AT(request_timeout)},
    {"drain-timeout", CONFIG_DRAIN, "S", "4", "on SIGTERM, how long running requests may finish", false,
     AT(drain_timeout)},
    {"log-level", CONFIG_CHOICE, "error|warning|notice|info|debug", "info", "least important records to write", false,
     AT(log_level)},
    {"log-format", CONFIG_CHOICE, "text|json", "text", "one record a line on standard error", false, AT(log_format)},
    {"token", CONFIG_TEXT, "TOKEN", NULL, "the token itself", true, AT(token)},
    {"listen-fd", CONFIG_FD, "FD", NULL, "a listening socket that somebody else made", true, AT(listen_fd)},
    {"log-fd", CONFIG_FD, "FD", NULL, "where the log is written to", true, AT(log_fd)},
};

enum {
    N_OPTIONS = sizeof(options) / sizeof(options[0]),
};

static_assert(CONFIG_LIST_MAX == 64 && CONFIG_COUNT_MAX == 65536 && CONFIG_VALUE_MAX_BYTES == 4096 &&
                  TOKEN_MAX_BYTES == 255 && SELINUX_TYPE_MAX_BYTES == 255,
              "the sentences below say these numbers");
static_assert(N_OPTIONS + 2 <= CONFIG_NAMES_MAX, "--help and the end of a list find room behind the options");
static_assert(LOG_LEVEL_COUNT == 5 && LOG_FORMAT_COUNT == 2 && CONFINE_MODE_COUNT == 3,
              "the choices of log-level, log-format and confine name each value");

const struct config_option *config_options(size_t *n_optionsp) {
    *n_optionsp = N_OPTIONS;
    return options;
}

size_t config_option_names(const char *names[CONFIG_NAMES_MAX], bool with_internal) {
    size_t n = 0;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (with_internal || !options[i].is_internal) {
            names[n++] = options[i].name;
        }
    }
    names[n] = NULL;
    return n;
}

static void *value_at(struct gate_config *config, const struct config_option *option) {
    return (char *)config + option->offset;
}

static int refuse(const struct config_option *option, const char *wanted, struct gate_error *error) {
    return gate_error_set(error, GATE_E_USAGE, "--%s takes %s", option->name, wanted);
}

static int copy(char **textp, const char *value, struct gate_error *error) {
    char *text = strdup(value);

    if (!text) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    if (*textp) {
        explicit_bzero(*textp, strlen(*textp)); /* it may be a token */
        free(*textp);
    }
    *textp = text;
    return 0;
}

static int set_list(struct config_list *list, const struct config_option *option, const char *value,
                    struct gate_error *error) {
    int r;

    if (list->is_default) {
        while (list->n_values > 0) {
            free(list->values[--list->n_values]);
            list->values[list->n_values] = NULL;
        }
        list->is_default = false;
    }
    if (list->n_values == CONFIG_LIST_MAX) {
        return refuse(option, "64 values at the most", error);
    }
    r = copy(&list->values[list->n_values], value, error);
    list->n_values += r == 0;
    return r;
}

/* A decimal number, with a unit if @has_unit; no sign, no space, no overflow. */
static bool parse_number(const char *text, bool has_unit, uint64_t *numberp) {
    uint64_t unit = 1;
    uint64_t number = 0;
    uint64_t product;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    if (has_unit && *at && strchr("KMGkmg", *at)) {
        unit = *at == 'K' || *at == 'k' ? UINT64_C(1) << 10 : *at == 'M' || *at == 'm' ? 1 << 20 : 1 << 30;
        at++;
    }
    if (*at || __builtin_mul_overflow(number, unit, &product)) {
        return false;
    }
    *numberp = product;
    return true;
}

static int set_number(uint64_t *numberp, const struct config_option *option, const char *value,
                      struct gate_error *error) {
    uint64_t minimum = option->kind == CONFIG_COUNT || option->kind == CONFIG_SECONDS ? 1 : 0;
    uint64_t maximum = option->kind == CONFIG_COUNT ? CONFIG_COUNT_MAX : INT_MAX;
    uint64_t number;

    if (option->kind == CONFIG_BYTES || option->kind == CONFIG_SIZE) {
        if (!parse_number(value, true, &number) || number > INT64_MAX || (number == 0 && option->kind == CONFIG_SIZE)) {
            return refuse(option, "a number of bytes, with K, M or G behind it or not", error);
        }
        *numberp = number;
        return 0;
    }
    if (!parse_number(value, false, &number) || number < minimum || number > maximum) {
        return refuse(option,
                      option->kind == CONFIG_COUNT ? "a whole number from 1 to 65536"
                      : minimum                    ? "a whole number of at least 1, without a unit"
                                                   : "a whole number, without a unit",
                      error);
    }
    *numberp = number;
    return 0;
}

static int set_flag(bool *flagp, const struct config_option *option, const char *value, struct gate_error *error) {
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
        return refuse(option, "yes or no", error);
    }
    *flagp = strcmp(value, "yes") == 0;
    return 0;
}

static int set_choice(uint64_t *choicep, const struct config_option *option, const char *value,
                      struct gate_error *error) {
    uint64_t choice = 0;
    size_t size = strlen(value);

    for (const char *word = option->argument;; word++, choice++) {
        size_t word_size = strcspn(word, "|");

        if (size == word_size && strncmp(word, value, size) == 0) {
            *choicep = choice;
            return 0;
        }
        word += word_size;
        if (!*word) {
            return refuse(option, option->argument, error);
        }
    }
}

static int set_fd(int *fdp, const struct config_option *option, const char *value, struct gate_error *error) {
    uint64_t fd;

    if (!parse_number(value, false, &fd) || fd > INT_MAX) {
        return refuse(option, "a file descriptor", error);
    }
    *fdp = (int)fd;
    return 0;
}

static int set_option(struct gate_config *config, const struct config_option *option, const char *value,
                      struct gate_error *error) {
    void *at = value_at(config, option);

    switch (option->kind) {
    case CONFIG_TEXT:
        return copy(at, value, error);
    case CONFIG_LIST:
        return set_list(at, option, value, error);
    case CONFIG_FLAG:
        return set_flag(at, option, value, error);
    case CONFIG_COUNT:
    case CONFIG_BYTES:
    case CONFIG_SIZE:
    case CONFIG_SECONDS:
    case CONFIG_DRAIN:
        return set_number(at, option, value, error);
    case CONFIG_CHOICE:
        return set_choice(at, option, value, error);
    case CONFIG_FD:
        return set_fd(at, option, value, error);
    }
    return gate_error_set(error, GATE_E_INTERNAL, "the table of options is broken");
}

static bool is_selinux_type(const char *value) {
    size_t size = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return size <= SELINUX_TYPE_MAX_BYTES && value[size] == '\0';
}

static int refuse_name(const char *name, struct gate_error *error) {
    const char *names[CONFIG_NAMES_MAX];
    char hint[ARGUMENT_HINT_MAX];

    (void)config_option_names(names, true); /* the command line gives none that is not in the table */
    argument_hint(hint, name, strlen(name), names, "--");
    return gate_error_set(error, GATE_E_USAGE, "there is no option --%.64s%s%s 'git-gate serve --help' lists them",
                          name, hint, *hint ? "" : ";");
}

int gate_config_set(struct gate_config *config, const char *name, const char *value, struct gate_error *error) {
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (strcmp(options[i].name, name) != 0) {
            continue;
        }
        if (!value || !*value || strlen(value) > CONFIG_VALUE_MAX_BYTES) {
            return refuse(&options[i], "a value of 1 to 4096 bytes", error);
        }
        if (strcmp(name, "token") == 0 && !token_is_valid(span_of(value))) {
            return gate_error_set(error, GATE_E_USAGE,
                                  "the token is not 1 to 255 printable ASCII characters without space and colon; "
                                  "'git-gate mint' makes one");
        }
        if (strcmp(name, "selinux-type") == 0 && !is_selinux_type(value)) {
            return refuse(&options[i], "1 to 255 letters, digits and underscores", error);
        }
        return set_option(config, &options[i], value, error);
    }
    return refuse_name(name, error);
}

int gate_config_new(struct gate_config **configp) {
    struct gate_config *config = calloc(1, sizeof(*config));

    if (!config) {
        return -ENOMEM;
    }
    config->listen_fd = -1;
    config->log_fd = -1;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (options[i].default_value && set_option(config, &options[i], options[i].default_value, NULL) != 0) {
            gate_config_free(config);
            return -ENOMEM; /* a default is in order, as a test proves */
        }
        if (options[i].kind == CONFIG_LIST) {
            ((struct config_list *)value_at(config, &options[i]))->is_default = true;
        }
    }
    *configp = config;
    return 0;
}

static int copy_option(struct gate_config *copy, const struct gate_config *config, const struct config_option *option) {
    void *to = value_at(copy, option);

    if (option->kind == CONFIG_TEXT) {
        const char *text = *(char *const *)((const char *)config + option->offset);

        *(char **)to = text ? strdup(text) : NULL;
        return text && !*(char **)to ? -ENOMEM : 0;
    }
    if (option->kind == CONFIG_LIST) {
        const struct config_list *from = (const void *)((const char *)config + option->offset);
        struct config_list *list = to;

        for (*list = (struct config_list){.is_default = from->is_default}; list->n_values < from->n_values;
             list->n_values++) {
            list->values[list->n_values] = strdup(from->values[list->n_values]);
            if (!list->values[list->n_values]) {
                return -ENOMEM;
            }
        }
    }
    return 0; /* the others are plain values */
}

/* Each pointer becomes the copy's own, or NULL, before anything is freed. */
int config_copy(struct gate_config **copyp, const struct gate_config *config) {
    struct gate_config *copy = malloc(sizeof(*copy));
    int r = 0;

    if (!copy) {
        return -ENOMEM;
    }
    *copy = *config;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        int failed = copy_option(copy, config, &options[i]);

        r = r ? r : failed;
    }
    if (r) {
        gate_config_free(copy);
        return r;
    }
    *copyp = copy;
    return 0;
}

struct gate_config *gate_config_free(struct gate_config *config) {
    if (!config) {
        return NULL;
    }
    if (config->token) {
        explicit_bzero(config->token, strlen(config->token));
    }
    for (size_t i = 0; i < N_OPTIONS; i++) {
        void *at = value_at(config, &options[i]);

        if (options[i].kind == CONFIG_TEXT) {
            free(*(char **)at);
        } else if (options[i].kind == CONFIG_LIST) {
            for (char **value = ((struct config_list *)at)->values; *value; value++) {
                free(*value);
            }
        }
    }
    free(config);
    return NULL;
}
