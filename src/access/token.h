/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
    TOKEN_MAX_BYTES = 255,
    TOKEN_SHORT_BYTES = 16,                                        /* below this a token can be guessed */
    TOKEN_MINT_HEX_DIGITS = 32,                                    /* 128 bits from getrandom(2) */
    TOKEN_CREDENTIALS_MAX = (TOKEN_MAX_BYTES + 1 + 2) / 3 * 4 + 1, /* base64 of "TOKEN:", with terminator */
};

/* The prefix of minted tokens, by which people and scanners recognise them. */
static const char token_default_prefix[] = "gate-";

/** token_is_valid() - whether @token is 1 to TOKEN_MAX_BYTES printable ASCII bytes without space and ":" */
bool token_is_valid(struct span token);

enum {
    TOKEN_E_MALFORMED = 1, /* no well-formed Basic credentials: 401 */
    TOKEN_E_MISMATCH,      /* somebody else's: 401, so that git asks for others (RFC 9110, 15.5.2) */
};

/**
 * token_check() - whether the value of an Authorization field carries @token
 * @authorization: data may be NULL, when there is no such field
 *
 * Expects "Basic" in any case, one or more spaces, and strict base64 of "token:password" (RFC 7617, RFC 4648 section
 * 4). The password is ignored. The time it takes reveals nothing about the token, not even its length.
 *
 * Return: 0 or TOKEN_E_*.
 */
int token_check(struct span authorization, const char *token);

/** token_encode() - encode @token, which is valid, for "Basic", with an empty password */
void token_encode(char credentials[TOKEN_CREDENTIALS_MAX], const char *token);

/**
 * token_mint() - make a fresh token
 * @token: receives @prefix, TOKEN_MINT_HEX_DIGITS hex digits and a terminator
 * @size: of @token
 *
 * Return: 0, -EINVAL when @prefix makes no valid token, -ENOBUFS when @size is too small, an errno of getrandom(2).
 */
int token_mint(char *token, size_t size, const char *prefix);
