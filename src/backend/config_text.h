/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

enum {
    CONFIG_TEXT_NAME_MAX_BYTES = 8192,  /* of a variable's whole name */
    CONFIG_TEXT_VALUE_MAX_BYTES = 1024, /* of a value; a longer one is cut */
};

enum {
    CONFIG_TEXT_E_MALFORMED = 1,
};

/**
 * config_text_visit - called for each variable
 * @name: SECTION.KEY or SECTION.SUBSECTION.KEY, with section and key in lower case, as git compares them
 * @value: without quotes and escapes; "true" for a variable without one
 *
 * Return: 0 to go on; any other value ends the scan.
 */
typedef int config_text_visit(const char *name, const char *value, void *userdata);

/**
 * config_text_scan() - go through the variables of a configuration file as git does: git-config(1), Syntax
 * @text: the whole file
 * @visit: called for each variable, in the file's order
 *
 * An include is a variable like any other: no second file is read.
 *
 * Return: 0; CONFIG_TEXT_E_MALFORMED for text that git refuses, for NUL bytes and for names that are too long; or the
 * value with which @visit ended the scan.
 */
int config_text_scan(struct span text, config_text_visit *visit, void *userdata);

/**
 * config_text_line() - find the line of a variable
 * @index: of the variable among all, from 0
 * @name: as config_text_visit gets it
 *
 * Return: the line, from 1; 0 when the variable at @index has another name.
 */
size_t config_text_line(struct span text, size_t index, const char *name);

/** config_text_empty_section() - find a section without a variable. Return: its line, from 1; 0 for none. */
size_t config_text_empty_section(struct span text);
