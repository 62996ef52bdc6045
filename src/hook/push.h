/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "hook/child.h"
#include "hook/report.h"
#include "rules/rules.h"

enum {
    PUSH_MAX_BYTES = 32 * 1024 * 1024, /* of all commands: a quarter of a million references */
};

/** enum push_kind - what is known of an update from one object to another one */
enum push_kind {
    PUSH_UNKNOWN,
    PUSH_FAST_FORWARD,
    PUSH_FORCED,
};

/** struct push_command - one reference to change, as git tells pre-receive; an id of zeros is no object */
struct push_command {
    const char *old;
    const char *new;
    const char *name;
    enum push_kind kind;
};

/**
 * struct push - a push, with the rules and the git to judge it
 * @commands, @n_commands: from push_parse()
 * @base: NULL for a push: all commits that references lead to are known. For a trial on existing commits: the one
 *        commit that counts as known with its ancestors, or "" for none
 */
struct push {
    const struct rules *rules;
    struct child_git git;
    struct report *report;
    struct push_command *commands;
    size_t n_commands;
    const char *base;
};

/** push_is_zero() - whether an id is zeros, which stand for no object */
bool push_is_zero(const char *id);

/**
 * push_parse() - read the lines "OLD NEW NAME" of githooks(5), pre-receive
 * @text: is changed; the commands point into it
 *
 * Return: 0, -EINVAL for a malformed line, -ENOMEM.
 */
int push_parse(struct push *push, char *text);

/**
 * push_judge() - apply all rules, and report each refusal
 *
 * Return: 0 when the push was judged, with the result in push.report->n_refusals; a negative errno when that failed.
 */
int push_judge(struct push *push);
