/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sets a configuration option by option. Each value is checked when it is set, so that the error can name the option.
 * config_resolve() in resolve.c checks the settings as a whole.
 */

#include "library/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access/token.h"
#include "base/argument.h"
#include "library/config_value.h"

static_assert(CONFIG_VALUE_MAX_BYTES == 4096 && TOKEN_MAX_BYTES == 255 && SELINUX_TYPE_MAX_BYTES == 255,
              "the sentences below say these numbers");

static void *field_of(struct gate_config *config, const struct config_option *option) {
    return (char *)&config->settings + option->offset;
}

static bool is_selinux_type(const char *value) {
    size_t size = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return size <= SELINUX_TYPE_MAX_BYTES && value[size] == '\0';
}

static bool is_token(const struct config_option *option) {
    return strcmp(option->name, "token") == 0 || strcmp(option->name, "second-token") == 0;
}

/* Checks that apply to the value of every kind of option. */
static int check_value(const struct config_option *option, const char *value, struct gate_error *error) {
    if (!value || !*value || strlen(value) > CONFIG_VALUE_MAX_BYTES) {
        return config_option_refuse(option, "a value of 1 to 4096 bytes", error);
    }
    if (is_token(option) && !token_is_valid(span_of(value))) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the token is not 1 to 255 printable ASCII characters without space and colon; "
                              "'git-gate mint' makes one");
    }
    if (strcmp(option->name, "selinux-type") == 0 && !is_selinux_type(value)) {
        return config_option_refuse(option, "1 to 255 letters, digits and underscores", error);
    }
    return 0;
}

static int refuse_name(const char *name, struct gate_error *error) {
    const char *names[CONFIG_NAMES_MAX];
    char hint[ARGUMENT_HINT_MAX];

    (void)config_option_names(names, true); /* the internal ones, too: the command line never gets here */
    argument_hint(hint, name, strlen(name), names, "--");
    return gate_error_set(error, GATE_E_USAGE, "there is no option --%.64s%s%s 'git-gate serve --help' lists them",
                          name, hint, *hint ? "" : ";");
}

int gate_config_set(struct gate_config *config, const char *name, const char *value, struct gate_error *error) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);
    int r;

    for (size_t i = 0; i < n_options; i++) {
        if (strcmp(options[i].name, name) != 0) {
            continue;
        }
        r = check_value(&options[i], value, error);
        r = r ? r : config_value_set(field_of(config, &options[i]), &options[i], value, !config->is_given[i], error);
        config->is_given[i] |= r == 0;
        return r;
    }
    return refuse_name(name, error);
}

bool config_is_given(const struct gate_config *config, const char *name) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    for (size_t i = 0; i < n_options; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return config->is_given[i];
        }
    }
    return false;
}

void config_unset(struct gate_config *config, const char *name) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    for (size_t i = 0; i < n_options; i++) {
        if (strcmp(options[i].name, name) == 0) {
            config_value_free(field_of(config, &options[i]), &options[i]);
            config->is_given[i] = false;
        }
    }
}

/* A test shows that all defaults are valid, so this fails only when memory runs out. */
static int init_option(struct gate_config *config, const struct config_option *option) {
    void *at = field_of(config, option);

    if (config_value_init(at, option) < 0) {
        return -ENOMEM;
    }
    return option->default_value && config_value_set(at, option, option->default_value, true, NULL) ? -ENOMEM : 0;
}

int gate_config_new(struct gate_config **configp) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);
    struct gate_config *config = calloc(1, sizeof(*config));

    if (!config) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_options; i++) {
        if (init_option(config, &options[i]) < 0) {
            gate_config_free(config);
            return -ENOMEM;
        }
    }
    *configp = config;
    return 0;
}

/* Even after a failure, every pointer of the copy is replaced, by one of its own or NULL, before it is freed. */
int config_copy(struct gate_config **copyp, const struct gate_config *config) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);
    struct gate_config *copy = malloc(sizeof(*copy));
    int r = 0;

    if (!copy) {
        return -ENOMEM;
    }
    *copy = *config;
    for (size_t i = 0; i < n_options; i++) {
        int failed = config_value_own(field_of(copy, &options[i]), &options[i]);

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
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    if (config) {
        for (size_t i = 0; i < n_options; i++) {
            config_value_free(field_of(config, &options[i]), &options[i]);
        }
        free(config);
    }
    return NULL;
}
