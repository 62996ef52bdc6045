/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

enum {
    CONFIG_TEXT_NAME_MAX_BYTES = 8192,  /* of a variable's whole name */
    CONFIG_TEXT_VALUE_MAX_BYTES = 1024, /* of a value; the rest of a longer one is left out */
};

enum {
    CONFIG_TEXT_E_MALFORMED = 1,
};

/**
 * config_text_visit - called for each variable
 * @name: as git compares it: section and key in lower case, SECTION.KEY or SECTION.SUBSECTION.KEY
 * @value: without quotes and escapes, "true" when there is none
 *
 * Return: 0 to go on; what else ends the scan.
 */
typedef int config_text_visit(const char *name, const char *value, void *userdata);

/**
 * config_text_scan() - go through the variables of a configuration file as git does: git-config(1), Syntax
 * @text: the whole file
 * @visit: called in the order of the file
 *
 * Includes are variables like others: no other file is read.
 *
 * Return: 0, CONFIG_TEXT_E_MALFORMED for what git refuses too, for NUL bytes and for names that are too long, or what
 * @visit has returned.
 */
int config_text_scan(struct span text, config_text_visit *visit, void *userdata);
