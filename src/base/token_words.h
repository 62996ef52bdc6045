/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * token_words_refuse_path() - refuse what was given as a token and is surely the path of a file that holds one
 * @text: begins with "/" and has a second one, and there is a folder up to the last: then it is refused; never repeated
 * @source: what gave it, as "GIT_GATE_TOKEN"
 * @option: what would take a file, as "--token-file"
 *
 * Return: 0 when it may be a token, GATE_E_USAGE.
 */
int token_words_refuse_path(const char *text, const char *source, const char *option, struct gate_error *error);

/**
 * token_words_refuse_file() - say why a file of a token cannot be read
 * @path: repeated only when something is there, as it may be the token itself
 * @cause: an errno, positive; EISDIR for a folder
 * @source: what named it, as "--token-file"
 * @program: who was kept from it, as "git-gate"
 *
 * Return: GATE_E_USAGE.
 */
int token_words_refuse_file(const char *path, int cause, const char *source, const char *program,
                            struct gate_error *error);

/** token_words_refuse_empty() - the same for a file without a byte on its first line. @source: "--token-file=FILE" */
int token_words_refuse_empty(const char *source, struct gate_error *error);
