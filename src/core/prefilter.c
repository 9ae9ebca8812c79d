/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/prefilter.h"

#include <endian.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#else
#define HAVE_X86 0
#endif

/*
 * What is searched for, as bytes at a distance from each other. They are the ones that
 * mail logs hold nowhere else, or seldom: a line that has them is then checked in full.
 *
 *   "tatus=d"  't' at 0, '=' at 5; at 6 no 's', unless mail that was sent is wanted
 *
 * Where more is wanted, pairs at the same distance from each other. No two of them begin
 * with bytes that have the last four bits in common, so a table of sixteen tells what has
 * to stand behind any byte, if it begins a pair.
 */
#define PAIRS(X) \
	X('u', '=') /* "tatus=", also of TLSRPT */ \
	X('L', ' ') /* "TLS " */ \
	X('h', 'k') /* "TLS: handshake" */ \
	X('f', 'c') /* "tificate" */ \
	X('S', '_') /* " SSL_" */ \
	X('-', 'v') /* " -- version" */
#define APART  2
#define BEHIND 6 /* bytes behind a place that the check of it reads */
#define BLOCK  64

/* Into each loop over a buffer: a call for a block would take as long as the search. */
#define INLINE inline __attribute__((always_inline))

/* One bit for each of 64 places, the lowest for the first. */
struct masks {
	uint64_t hits;
	uint64_t newlines;
};

static inline bool
wants_count(unsigned want)
{
	return (want & PREFILTER_UNCOUNTED) == 0;
}

/* --- a block, eight bytes at a time ------------------------------------------------ */

/* A bit for each of eight bytes that is c. No carry runs from one byte into the next. */
static inline uint64_t
equal_8(const char *p, char c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101),
	               low = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t x, zero;

	memcpy(&x, p, sizeof(x));
	x = le64toh(x) ^ ones * (unsigned char)c;
	zero = ~(((x & low) + low) | x | low);
	return (zero >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

/* The masks of two neighbouring stretches of `bits` bytes as those of one. */
static inline struct masks
join(struct masks low, struct masks high, unsigned bits)
{
	return (struct masks){
	    low.hits | high.hits << bits, low.newlines | high.newlines << bits};
}

static INLINE struct masks
look_8(const char *p, unsigned want)
{
	uint64_t hits = 0;

	if ((want & PREFILTER_TLS) != 0) {
#define PAIR(first, second) hits |= equal_8(p, first) & equal_8(p + APART, second);
		PAIRS(PAIR)
#undef PAIR
	} else {
		hits = equal_8(p, 't') & equal_8(p + 5, '=');
		if ((want & PREFILTER_SENT) == 0)
			hits &= ~equal_8(p + 6, 's');
	}
	return (struct masks){hits, wants_count(want) ? equal_8(p, '\n') : 0};
}

static INLINE struct masks
look_plain(const char *p, unsigned want)
{
	struct masks out = look_8(p, want);

	for (unsigned i = 8; i < BLOCK; i += 8)
		out = join(out, look_8(p + i, want), i);
	return out;
}

/* --- and 16 or 32 at a time -------------------------------------------------------- */

#if HAVE_X86

static inline __m128i
equal_16(const char *p, char c)
{
	return _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(c));
}

static INLINE struct masks
look_16(const char *p, unsigned want)
{
	__m128i hits = _mm_setzero_si128();

	if ((want & PREFILTER_TLS) != 0) {
#define PAIR(first, second) \
	hits = _mm_or_si128( \
	    hits, _mm_and_si128(equal_16(p, first), equal_16(p + APART, second)));
		PAIRS(PAIR)
#undef PAIR
	} else {
		hits = _mm_and_si128(equal_16(p, 't'), equal_16(p + 5, '='));
		if ((want & PREFILTER_SENT) == 0)
			hits = _mm_andnot_si128(equal_16(p + 6, 's'), hits);
	}
	return (struct masks){(unsigned)_mm_movemask_epi8(hits),
	    wants_count(want) ? (unsigned)_mm_movemask_epi8(equal_16(p, '\n')) : 0};
}

static INLINE struct masks
look_sse2(const char *p, unsigned want)
{
	return join(join(look_16(p, want), look_16(p + 16, want), 16),
	    join(look_16(p + 32, want), look_16(p + 48, want), 16), 32);
}

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline __m256i
equal_32(const char *p, char c)
{
	return _mm256_cmpeq_epi8(
	    _mm256_loadu_si256((const __m256i *)p), _mm256_set1_epi8(c));
}

/* The byte of the table that the last four bits of each byte name; for one that is not
 * ASCII, NUL. */
AVX2 static inline __m256i
look_up_32(const char table[16], __m256i bytes)
{
	return _mm256_shuffle_epi8(
	    _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table)), bytes);
}

/* 1: no byte has itself the number of its place. */
#define PAIR(first, second) [first & 15] = first,
static const char firsts[16] = {1, PAIRS(PAIR)};
#undef PAIR
#define PAIR(first, second) [first & 15] = second,
static const char seconds[16] = {PAIRS(PAIR)};
#undef PAIR

AVX2 static inline __m256i
pairs_32(const char *p)
{
	__m256i first = _mm256_loadu_si256((const __m256i *)p);
	__m256i second = _mm256_loadu_si256((const __m256i *)(p + APART));

	return _mm256_and_si256(_mm256_cmpeq_epi8(first, look_up_32(firsts, first)),
	    _mm256_cmpeq_epi8(second, look_up_32(seconds, first)));
}

AVX2 static INLINE struct masks
look_32(const char *p, unsigned want)
{
	__m256i hits;

	if ((want & PREFILTER_TLS) != 0) {
		hits = pairs_32(p);
	} else {
		hits = _mm256_and_si256(equal_32(p, 't'), equal_32(p + 5, '='));
		if ((want & PREFILTER_SENT) == 0)
			hits = _mm256_andnot_si256(equal_32(p + 6, 's'), hits);
	}
	return (struct masks){(unsigned)_mm256_movemask_epi8(hits),
	    wants_count(want) ? (unsigned)_mm256_movemask_epi8(equal_32(p, '\n')) : 0};
}

AVX2 static INLINE struct masks
look_avx2(const char *p, unsigned want)
{
	return join(look_32(p, want), look_32(p + 32, want), 32);
}

#endif

/* --- a buffer ---------------------------------------------------------------------- */

typedef struct masks look_fn(const char *p, unsigned want);

/*
 * The first place from p on at which `look` finds something, or end; the newlines
 * before it are added. Inlined into each caller, together with its way of searching.
 */
static INLINE const char *
find(const char *p, const char *end, unsigned want, look_fn *look, uint64_t *newlines)
{
	uint64_t count = *newlines;
	struct masks masks = {0, 0};

	for (; end - p >= BLOCK + BEHIND; p += BLOCK) {
		masks = look(p, want);
		if (masks.hits != 0)
			break;
		count += (uint64_t)__builtin_popcountll(masks.newlines);
	}
	while (masks.hits == 0 && p < end) {
		/* Behind the end stand NULs, which are no byte that is searched for. */
		char rest[BLOCK + BEHIND] = {0};
		size_t left = (size_t)(end - p);

		memcpy(rest, p, left < sizeof(rest) ? left : sizeof(rest));
		masks = look(rest, want);
		if (masks.hits != 0)
			break;
		count += (uint64_t)__builtin_popcountll(masks.newlines);
		p += left < BLOCK ? left : BLOCK;
	}
	if (masks.hits == 0) {
		*newlines = count;
		return end;
	}
	/* of the newlines of this block those before the first hit */
	masks.newlines &= (masks.hits & -masks.hits) - 1;
	*newlines = count + (uint64_t)__builtin_popcountll(masks.newlines);
	return p + __builtin_ctzll(masks.hits);
}

/* The compiler makes a loop of its own for each thing to want. */
static INLINE const char *
find_wanted(
    const char *p, const char *end, unsigned want, look_fn *look, uint64_t *newlines)
{
	if ((want & PREFILTER_TLS) != 0 && !wants_count(want))
		return find(p, end,
		    PREFILTER_TROUBLE | PREFILTER_SENT | PREFILTER_TLS |
		        PREFILTER_UNCOUNTED,
		    look, newlines);
	if ((want & PREFILTER_TLS) != 0)
		return find(p, end, PREFILTER_TROUBLE | PREFILTER_SENT | PREFILTER_TLS,
		    look, newlines);
	if ((want & PREFILTER_SENT) != 0)
		return find(p, end, PREFILTER_TROUBLE | PREFILTER_SENT, look, newlines);
	return find(p, end, PREFILTER_TROUBLE, look, newlines);
}

static const char *
find_plain(const char *p, const char *end, unsigned want, uint64_t *newlines)
{
	return find_wanted(p, end, want, look_plain, newlines);
}

#if HAVE_X86

static const char *
find_sse2(const char *p, const char *end, unsigned want, uint64_t *newlines)
{
	return find_wanted(p, end, want, look_sse2, newlines);
}

AVX2 static const char *
find_avx2(const char *p, const char *end, unsigned want, uint64_t *newlines)
{
	return find_wanted(p, end, want, look_avx2, newlines);
}

#endif

static const struct {
	const char *(*find)(
	    const char *p, const char *end, unsigned want, uint64_t *newlines);
} searches[PREFILTER_HOW_COUNT] = {
    [PREFILTER_PLAIN] = {find_plain},
#if HAVE_X86
    [PREFILTER_SSE2] = {find_sse2},
    [PREFILTER_AVX2] = {find_avx2},
#endif
};

bool
prefilter_can(enum prefilter_how how)
{
#if HAVE_X86
	if (how == PREFILTER_AVX2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		    __builtin_cpu_supports("popcnt");
#endif
	return searches[how].find != NULL;
}

void
prefilter_start(struct prefilter *prefilter, struct str lines, unsigned want)
{
	*prefilter =
	    (struct prefilter){.at = lines.p, .end = lines.p + lines.len, .want = want};
	for (enum prefilter_how how = PREFILTER_PLAIN; how < PREFILTER_HOW_COUNT; how++)
		if (prefilter_can(how))
			prefilter->how = how;
}

/* Do these bytes stand before p? */
static bool
follows(const struct prefilter *prefilter, const char *p, struct str before)
{
	return (size_t)(p - prefilter->at) >= before.len &&
	    memcmp(p - before.len, before.p, before.len) == 0;
}

/* Is it the whole of ", status=" that p stands in, and a word that is wanted behind it?
 * Or what smtp(8) reports of a server's TLS? */
static bool
is_wanted_status(const struct prefilter *prefilter, const char *p)
{
	struct str text = {p, (size_t)(prefilter->end - p)};
	char word;

	if (!str_eat(&text, STR("tatus=")) || text.len == 0)
		return false;
	word = text.p[0];
	if (p - prefilter->at < 3 || memcmp(p - 3, ", s", 3) != 0)
		return word == 'f' && (prefilter->want & PREFILTER_TLS) != 0 &&
		    follows(prefilter, p, STR("TLSRPT: s")) &&
		    str_starts(text, STR("failure, "));
	return word != '\n' &&
	    (prefilter->want & (word == 's' ? PREFILTER_SENT : PREFILTER_TROUBLE)) != 0;
}

/* Is it about a server's certificate, or what smtp(8) says of it? */
static bool
is_wanted_certificate(const struct prefilter *prefilter, const char *p)
{
	struct str text = {p, (size_t)(prefilter->end - p)};

	return (prefilter->want & PREFILTER_TLS) != 0 &&
	    follows(prefilter, p, STR("cer")) &&
	    (str_starts(text, STR("tificate verification failed for ")) ||
	        (str_starts(text, STR("tificate not ")) &&
	            follows(prefilter, p, STR("Server cer"))));
}

/* Is it about a server's TLS, not a client's, or of master(8)? */
static bool
is_wanted_tls(const struct prefilter *prefilter, const char *p)
{
	struct str text = {p, (size_t)(prefilter->end - p)};

	if ((prefilter->want & PREFILTER_TLS) == 0)
		return false;
	if (str_eat(&text, STR("TLS ")))
		return str_starts(text, STR("connection established to ")) ||
		    str_starts(text, STR("connection reused to ")) ||
		    str_starts(text, STR("policy lookup ")) ||
		    str_starts(text, STR("is required, but "));
	if (str_starts(text, STR(" -- version ")))
		return follows(prefilter, p, STR("daemon started")) ||
		    follows(prefilter, p, STR("reload"));
	return str_starts(text, STR("TLS: handshake failure")) ||
	    str_starts(text, STR(" SSL_connect error to "));
}

/* Is what was found at p what it looks like? */
static bool
is_wanted(const struct prefilter *prefilter, const char *p)
{
	size_t before = (size_t)(p - prefilter->at);

	switch (*p) {
	case 't':
		return is_wanted_status(prefilter, p);
	case 'u':
		return before >= 3 && is_wanted_status(prefilter, p - 3);
	case 'f':
		return before >= 2 && is_wanted_certificate(prefilter, p - 2);
	case 'L':
		return before >= 1 && is_wanted_tls(prefilter, p - 1);
	case 'h':
		return before >= 10 && is_wanted_tls(prefilter, p - 10);
	default:
		return before >= 2 && is_wanted_tls(prefilter, p - 2);
	}
}

/* The line around p, which stands behind every newline before it that was counted. */
static struct str
cut_line(struct prefilter *prefilter, const char *p)
{
	const char *start = memrchr(prefilter->at, '\n', (size_t)(p - prefilter->at));
	const char *stop = memchr(p, '\n', (size_t)(prefilter->end - p));

	start = start != NULL ? start + 1 : prefilter->at;
	stop = stop != NULL ? stop : prefilter->end;
	prefilter->at = stop < prefilter->end ? stop + 1 : stop;
	if (stop > start && stop[-1] == '\r')
		stop--;
	return (struct str){start, (size_t)(stop - start)};
}

bool
prefilter_next(struct prefilter *prefilter, struct str *line)
{
	const char *p = prefilter->at;

	for (;;) {
		p = searches[prefilter->how].find(
		    p, prefilter->end, prefilter->want, &prefilter->newlines);
		prefilter->line = prefilter->newlines;
		if (p == prefilter->end)
			break;
		if (is_wanted(prefilter, p)) {
			*line = cut_line(prefilter, p);
			prefilter->newlines += prefilter->at[-1] == '\n';
			return true;
		}
		p++;
	}
	prefilter->at = prefilter->end;
	return false;
}
