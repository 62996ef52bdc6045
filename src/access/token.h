/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
    TOKEN_MAX_BYTES = 255,
    TOKEN_COUNT_MAX = 2,        /* valid at a time: while one replaces the other, clients may use either */
    TOKEN_SHORT_BYTES = 16,     /* below this a token can be guessed */
    TOKEN_MINT_HEX_DIGITS = 32, /* 128 bits from getrandom(2) */

    /* base64 of a user and a password, each as long as a token may be, with terminator */
    TOKEN_CREDENTIALS_MAX = (2 * TOKEN_MAX_BYTES + 1 + 2) / 3 * 4 + 1,
};

/* The prefix of minted tokens, by which people and scanners recognise them. */
static const char token_default_prefix[] = "gate-";

/** token_is_valid() - whether @token is 1 to TOKEN_MAX_BYTES printable ASCII bytes without space and ":" */
bool token_is_valid(struct span token);

enum {
    TOKEN_E_MALFORMED = 1, /* no well-formed Basic or Bearer credentials: 401 */
    TOKEN_E_MISMATCH,      /* other credentials: 401, so that git asks for new ones (RFC 9110, 15.5.2) */
};

/**
 * token_check() - whether the value of an Authorization field carries one of @tokens
 * @authorization: data may be NULL, when there is no such field
 * @tokens: all but the first may be NULL
 *
 * Expects, with the scheme in any case and one or more spaces after it,
 *
 *     Basic  strict base64 of "user:password" (RFC 7617, RFC 4648 section 4), of which either is a token
 *     Bearer visible ASCII bytes, which are a token (RFC 6750)
 *
 * The time that it takes reveals neither the number nor the length of the tokens, nor which one matched.
 *
 * Return: 0 or TOKEN_E_*.
 */
int token_check(struct span authorization, const char *const tokens[TOKEN_COUNT_MAX]);

/** token_encode() - encode @user, without a colon, and @password for "Basic"; each has at most TOKEN_MAX_BYTES */
void token_encode(char credentials[TOKEN_CREDENTIALS_MAX], const char *user, const char *password);

/**
 * token_mint() - make a fresh token
 * @token: receives @prefix, TOKEN_MINT_HEX_DIGITS hex digits and a terminator
 * @size: of @token
 *
 * Return: 0, -EINVAL if @prefix makes no valid token, -ENOBUFS if @size is too small, a negative errno of getrandom(2).
 */
int token_mint(char *token, size_t size, const char *prefix);
