/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config_option.h"

enum {
    CONFIG_LIST_MAX = 64, /* values of one repeatable option */
};

/*
 * The value of one option. @at is its field in struct server_settings. The field owns the memory of texts and lists.
 * Texts are overwritten before they are freed, since one of them is the token.
 */

/** config_value_init() - give a field of zeros the value of an option that is not set. Return: 0 or -ENOMEM. */
int config_value_init(void *at, const struct config_option *option);

/**
 * config_value_set() - parse a value into the field
 * @value: not empty
 * @is_first: the field holds the default, which the first value of a list replaces
 * @error: filled on failure; the field is unchanged then
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_value_set(void *at, const struct config_option *option, const char *value, bool is_first,
                     struct gate_error *error);

/**
 * config_value_own() - duplicate the memory of a field that was copied byte by byte
 *
 * Return: 0 or -ENOMEM. In both cases the field must be freed.
 */
int config_value_own(void *at, const struct config_option *option);

/** config_value_free() - free the memory of a field. A text is unset then; a list needs config_value_init() again. */
void config_value_free(void *at, const struct config_option *option);
