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

/** enum push_kind - what is known of an update that moves a reference from one object to another one */
enum push_kind {
    PUSH_UNKNOWN,
    PUSH_FAST_FORWARD,
    PUSH_FORCED,
};

/** struct push_command - one reference that is to be moved, as git tells pre-receive; the ids are zeros for none */
struct push_command {
    const char *old;
    const char *new;
    const char *name;
    enum push_kind kind;
};

/**
 * struct push - a push, and what judges it
 * @commands, @n_commands: of push_parse()
 * @base: for a trial on commits that exist: the commit that counts as there already, or "" for none; NULL for a push: all
 *        that references lead to
 */
struct push {
    const struct rules *rules;
    struct child_git git;
    struct report *report;
    struct push_command *commands;
    size_t n_commands;
    const char *base;
};

/** push_is_zero() - whether an id is that of no object */
bool push_is_zero(const char *id);

/**
 * push_parse() - take the lines "OLD NEW NAME" of githooks(5), pre-receive
 * @text: is changed, and the commands point into it
 *
 * Return: 0, -EINVAL for a line that is none, -ENOMEM.
 */
int push_parse(struct push *push, char *text);

/**
 * push_judge() - apply all rules, and report what they refuse
 *
 * Return: 0 when it was judged: push.report->n_refusals tells how; a negative errno when it could not be.
 */
int push_judge(struct push *push);
