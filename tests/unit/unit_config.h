/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Options of a configuration by their names, and their values as text. */

#include "unit.h"

#include <stdio.h>

#include "library/config.h"
#include "library/config_value.h"

static inline struct gate_config *fresh(void) {
    struct gate_config *config = NULL;

    assert_int_equal(gate_config_new(&config), 0);
    assert_non_null(config);
    return config;
}

static inline const struct config_option *option_of(const char *name) {
    size_t n_options;
    const struct config_option *options = config_options(&n_options);

    for (size_t i = 0; i < n_options; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    fail_msg("there is no option --%s", name);
    return NULL;
}

/* The value of an option, in memory that the next call reuses; NULL for none. */
static inline const char *text(const struct gate_config *config, const struct config_option *option) {
    static char out[CONFIG_LIST_MAX * 8];
    const char *at = (const char *)&config->settings + option->offset;

    out[0] = '\0';
    switch (option->kind) {
    case CONFIG_TEXT:
        return *(char *const *)at;
    case CONFIG_LIST:
        for (char *const *value = *(char *const *const *)at; *value; value++) {
            (void)snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s\n", *value);
        }
        return out;
    case CONFIG_FLAG:
    case CONFIG_SWITCH:
        return *(const bool *)at ? "yes" : "no";
    case CONFIG_FD:
        (void)snprintf(out, sizeof(out), "%d", *(const int *)at);
        return out;
    case CONFIG_MODE:
        (void)snprintf(out, sizeof(out), "%04o", *(const unsigned *)at);
        return out;
    case CONFIG_CHOICE:
        (void)snprintf(out, sizeof(out), "%u", *(const unsigned *)at);
        return out;
    default:
        (void)snprintf(out, sizeof(out), "%ju", (uintmax_t) * (const uint64_t *)at);
        return out;
    }
}

/* As text(), for a configuration in which nothing was set. */
static inline const char *initial_text(const struct config_option *option) {
    static char out[64];
    struct gate_config *config = fresh();
    const char *value = text(config, option);

    (void)snprintf(out, sizeof(out), "%s", value ? value : "");
    gate_config_free(config);
    return value ? out : NULL;
}
