/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHA_MAX_BYTES = 32,   /* of a digest */
    SHA_BLOCK_BYTES = 64, /* of input for one step */
};

/** struct sha - a digest while it is computed: SHA-1 or SHA-256 (FIPS 180-4) */
struct sha {
    bool is_256;
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[SHA_BLOCK_BYTES];
};

/** sha_init() - begin. @is_256: SHA-256, otherwise SHA-1 */
void sha_init(struct sha *sha, bool is_256);

/** sha_feed() - add the next bytes */
void sha_feed(struct sha *sha, const void *data, size_t size);

/** sha_end() - write the digest: 20 bytes or 32 */
void sha_end(struct sha *sha, unsigned char digest[SHA_MAX_BYTES]);
