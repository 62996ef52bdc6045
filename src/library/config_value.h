/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "library/config_option.h"

enum {
    CONFIG_LIST_MAX = 64, /* values of one repeatable option */
};

/*
 * The value of one option: @at is its field in struct server_settings. Texts and lists are in memory of the field's own,
 * and texts are overwritten before they are freed, as one of them is the token.
 */

/** config_value_init() - make a field of zeros the value of an option that was not given. Return: 0 or -ENOMEM. */
int config_value_init(void *at, const struct config_option *option);

/**
 * config_value_set() - take what was given
 * @value: not empty
 * @is_first: what is there is the default, which the first value of a list replaces
 * @error: filled on failure, when the value stays as it was
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int config_value_set(void *at, const struct config_option *option, const char *value, bool is_first,
                     struct gate_error *error);

/**
 * config_value_own() - give a field that was copied byte by byte memory of its own
 *
 * Return: 0, or -ENOMEM; then it is a value to be freed, too.
 */
int config_value_own(void *at, const struct config_option *option);

/** config_value_free() - free what a field holds; a text is then one that was not given, a list must be made again */
void config_value_free(void *at, const struct config_option *option);
