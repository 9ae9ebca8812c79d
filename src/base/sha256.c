/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sha256.h"

#include <string.h>

#define BLOCK  64
#define ROUNDS 64

static const uint32_t constants[ROUNDS] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
    0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
    0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
    0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
    0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void
schedule(const unsigned char *block, uint32_t *w)
{
	for (unsigned i = 0; i < 16; i++, block += 4)
		w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 |
		    (uint32_t)block[2] << 8 | block[3];
	for (unsigned i = 16; i < ROUNDS; i++)
		w[i] = w[i - 16] + w[i - 7] +
		    (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
		    (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
}

/*
 * One round. What the standard moves from each of the eight words to the next stays where
 * it is: n, how often it would have been moved, is a constant of each call, so that all
 * of them are kept in registers.
 */
static inline __attribute__((always_inline)) void
add_round(uint32_t s[8], unsigned n, uint32_t input)
{
	uint32_t a = s[-n & 7], b = s[(1 - n) & 7], c = s[(2 - n) & 7];
	uint32_t e = s[(4 - n) & 7], f = s[(5 - n) & 7], g = s[(6 - n) & 7];
	uint32_t one = s[(7 - n) & 7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
	    ((e & f) ^ (~e & g)) + input;

	s[(3 - n) & 7] += one;
	s[(7 - n) & 7] = one + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
	    ((a & b) ^ (a & c) ^ (b & c));
}

static void
add_block(uint32_t h[8], const unsigned char *block)
{
	uint32_t w[ROUNDS], s[8];

	schedule(block, w);
	memcpy(s, h, sizeof(s));
	for (unsigned i = 0; i < ROUNDS; i += 8) {
		add_round(s, 0, constants[i] + w[i]);
		add_round(s, 1, constants[i + 1] + w[i + 1]);
		add_round(s, 2, constants[i + 2] + w[i + 2]);
		add_round(s, 3, constants[i + 3] + w[i + 3]);
		add_round(s, 4, constants[i + 4] + w[i + 4]);
		add_round(s, 5, constants[i + 5] + w[i + 5]);
		add_round(s, 6, constants[i + 6] + w[i + 6]);
		add_round(s, 7, constants[i + 7] + w[i + 7]);
	}
	for (unsigned i = 0; i < 8; i++)
		h[i] += s[i];
}

uint64_t
sha256_of(struct str text)
{
	uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
	    0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	const unsigned char *p = (const unsigned char *)text.p;
	unsigned char rest[2 * BLOCK] = {0};
	size_t left = text.len % BLOCK, last = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	uint64_t bits = (uint64_t)text.len * 8;

	for (size_t i = 0; i < text.len / BLOCK; i++)
		add_block(h, p + i * BLOCK);
	if (left > 0)
		memcpy(rest, p + text.len - left, left);
	rest[left] = 0x80;
	for (size_t i = 1; i <= 8; i++, bits >>= 8)
		rest[last - i] = (unsigned char)bits;
	for (size_t i = 0; i < last; i += BLOCK)
		add_block(h, rest + i);
	return (uint64_t)h[0] << 32 | h[1];
}
