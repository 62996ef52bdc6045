/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Computes SHA-1 and SHA-256 (FIPS 180-4), by which git names objects. It tells the name of an object before git runs.
 * Nothing may rely on it against forged objects: git checks every name again, with a SHA-1 that notices attacks.
 */

#include "base/sha.h"

#include <string.h>

static uint32_t rotate_left(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

static uint32_t rotate_right(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) ^ (~x & z);
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) ^ (x & z) ^ (y & z);
}

static void read_words(uint32_t words[16], const unsigned char *block) {
    for (size_t i = 0; i < 16; i++, block += 4) {
        words[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
    }
}

static uint32_t mix_1(size_t round, uint32_t b, uint32_t c, uint32_t d) {
    static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    const uint32_t mixed = round < 20 ? choose(b, c, d) : round < 40 || round >= 60 ? b ^ c ^ d : majority(b, c, d);

    return mixed + constants[round / 20];
}

static void take_block_1(uint32_t state[8], const unsigned char *block) {
    uint32_t words[80];
    uint32_t s[5];

    read_words(words, block);
    for (size_t i = 16; i < 80; i++) {
        words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    memcpy(s, state, sizeof(s));
    for (size_t i = 0; i < 80; i++) {
        const uint32_t next = rotate_left(s[0], 5) + mix_1(i, s[1], s[2], s[3]) + s[4] + words[i];

        s[4] = s[3];
        s[3] = s[2];
        s[2] = rotate_left(s[1], 30);
        s[1] = s[0];
        s[0] = next;
    }
    for (size_t i = 0; i < 5; i++) {
        state[i] += s[i];
    }
}

static const uint32_t constants_256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void take_block_256(uint32_t state[8], const unsigned char *block) {
    uint32_t words[64];
    uint32_t s[8];

    read_words(words, block);
    for (size_t i = 16; i < 64; i++) {
        const uint32_t x = words[i - 15];
        const uint32_t y = words[i - 2];

        words[i] = words[i - 16] + (rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3) + words[i - 7] +
                   (rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10);
    }
    memcpy(s, state, sizeof(s));
    for (size_t i = 0; i < 64; i++) {
        const uint32_t a = rotate_right(s[0], 2) ^ rotate_right(s[0], 13) ^ rotate_right(s[0], 22);
        const uint32_t e = rotate_right(s[4], 6) ^ rotate_right(s[4], 11) ^ rotate_right(s[4], 25);
        const uint32_t next = s[7] + e + choose(s[4], s[5], s[6]) + constants_256[i] + words[i];
        const uint32_t first = next + a + majority(s[0], s[1], s[2]);

        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += next;
        s[0] = first;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += s[i];
    }
}

static void take_block(struct sha *sha, const unsigned char *block) {
    if (sha->is_256) {
        take_block_256(sha->state, block);
    } else {
        take_block_1(sha->state, block);
    }
}

void sha_init(struct sha *sha, bool is_256) {
    static const uint32_t first_1[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    static const uint32_t first_256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    *sha = (struct sha){.is_256 = is_256};
    memcpy(sha->state, is_256 ? first_256 : first_1, sizeof(sha->state));
}

void sha_feed(struct sha *sha, const void *data, size_t size) {
    const unsigned char *bytes = data;

    while (size > 0) {
        const size_t used = (size_t)(sha->n_bytes % SHA_BLOCK_BYTES);
        const size_t n = size < SHA_BLOCK_BYTES - used ? size : SHA_BLOCK_BYTES - used;

        memcpy(sha->block + used, bytes, n);
        sha->n_bytes += n;
        bytes += n;
        size -= n;
        if (used + n == SHA_BLOCK_BYTES) {
            take_block(sha, sha->block);
        }
    }
}

/* The padding is a bit of 1, zeros, and the number of bits. */
void sha_end(struct sha *sha, unsigned char digest[SHA_MAX_BYTES]) {
    static const unsigned char padding[SHA_BLOCK_BYTES] = {0x80};
    const uint64_t n_bits = sha->n_bytes * 8;
    const size_t used = (size_t)(sha->n_bytes % SHA_BLOCK_BYTES);
    const size_t n_words = sha->is_256 ? 8 : 5;
    unsigned char length[8];

    for (unsigned i = 0; i < sizeof(length); i++) {
        length[i] = (unsigned char)(n_bits >> (56 - 8 * i));
    }
    sha_feed(sha, padding, used < 56 ? 56 - used : 120 - used);
    sha_feed(sha, length, sizeof(length));
    for (size_t i = 0; i < 4 * n_words; i++) {
        digest[i] = (unsigned char)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
