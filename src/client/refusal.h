/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/span.h"

/**
 * enum refusal - what a gate's answer says about the token, the repository and the request
 *
 * REFUSAL_NONE:          nothing: it serves, or fails for another reason, or is not whole enough to tell
 * REFUSAL_STRANGER:      it is not a gate's answer: not HTTP, or an error without the fields of a gate's
 * REFUSAL_ANONYMOUS:     no token was sent, or text that does not have the form of a token
 * REFUSAL_TOKEN:         the token is another gate's
 * REFUSAL_SCOPE:         the token is for another repository
 * REFUSAL_NO_REPOSITORY: there is none of that name, or git cannot read it
 * REFUSAL_TOO_LARGE:     the request has more bytes than the gate takes
 * REFUSAL_FORBIDDEN:     the token, the repository or the service is not allowed; the answer does not say which
 */
enum refusal {
    REFUSAL_NONE,
    REFUSAL_STRANGER,
    REFUSAL_ANONYMOUS,
    REFUSAL_TOKEN,
    REFUSAL_SCOPE,
    REFUSAL_NO_REPOSITORY,
    REFUSAL_TOO_LARGE,
    REFUSAL_FORBIDDEN,
};

/**
 * refusal_of() - the refusal that goes with the status of a gate's error and its field Gate-Reason
 * @word: the field's value; data is NULL, or size is 0, if there is none
 *
 * One status stands for several reasons, which the word tells apart. Without a word that this program knows, the status
 * alone decides: an older gate sends none, and a newer one may have others. Return: never REFUSAL_STRANGER.
 */
enum refusal refusal_of(int status, struct span word);

/** refusal_parse() - the same for the bytes of an answer from its first one on, as many as there are */
enum refusal refusal_parse(struct span words);
