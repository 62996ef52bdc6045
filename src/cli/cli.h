/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "library/config.h"

/*
 * The verbs. Each takes its arguments, with its name as argv[0]. Return: the exit status, 0 or one of enum
 * gate_error_code.
 */
int cli_serve(int argc, char *argv[]);
int cli_mint(int argc, char *argv[]);
int cli_rules(int argc, char *argv[]);
int cli_old(int argc, char *argv[]);
int cli_check(int argc, char *argv[]);
int cli_bridge(int argc, char *argv[]);
int cli_demo(int argc, char *argv[]);

/** cli_fail() - print "git-gate: SENTENCE" on standard error. Return: error->code. */
int cli_fail(const struct gate_error *error);

/**
 * options_parse() - set the options given to serve
 * @positionalp: the one argument that is not an option; NULL when there is none
 * @wants_helpp: --help was given; the rest was not parsed
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int options_parse(struct gate_config *config, int argc, char *argv[], const char **positionalp, bool *wants_helpp,
                  struct gate_error *error);

/** options_print_help() - print a line or two for each option of the table */
void options_print_help(void);
