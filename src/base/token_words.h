/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * token_words_refuse_path() - refuse a token that is surely the path of a token file
 * @text: the token; refused if it begins with "/", has another "/", and the folder before the last one exists. The
 *        message never repeats it.
 * @source: where it was given, for example "GIT_GATE_TOKEN"
 * @option: the option that takes a file, for example "--token-file"
 *
 * Return: 0 when it may be a token, otherwise GATE_E_USAGE.
 */
int token_words_refuse_path(const char *text, const char *source, const char *option, struct gate_error *error);

/**
 * token_words_refuse_file() - say why a token file cannot be read
 * @path: repeated only when such a file exists, since it may be the token itself
 * @cause: an errno, positive; EISDIR for a folder
 * @source: the option or variable that named it, for example "--token-file"
 * @program: the program that may not read it, for example "git-gate"
 *
 * Return: GATE_E_USAGE.
 */
int token_words_refuse_file(const char *path, int cause, const char *source, const char *program,
                            struct gate_error *error);

/** token_words_refuse_empty() - refuse a token file with an empty first line. @source: "--token-file=FILE" */
int token_words_refuse_empty(const char *source, struct gate_error *error);
