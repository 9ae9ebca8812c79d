/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns/resolver_stale.h"

#include <pthread.h>
#include <string.h>

#include "core/nexthop.h"

#define ABSENCES_MAX 256
#define KEPT_MS      3600000

static struct absence {
	char name[NEXTHOP_HOST_SIZE];
	int64_t first_ms;
} absences[ABSENCES_MAX];
static unsigned next_absence; /* the one that gives way */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct absence *
find(const char *name)
{
	for (unsigned i = 0; i < ABSENCES_MAX; i++)
		if (strcmp(absences[i].name, name) == 0)
			return &absences[i];
	return NULL;
}

static bool
counts(const char *name, int64_t now_ms)
{
	struct absence *absence = find(name);

	if (absence != NULL && now_ms - absence->first_ms < KEPT_MS)
		return now_ms - absence->first_ms >= STALE_FOR_MS;
	if (absence == NULL) {
		absence = &absences[next_absence];
		next_absence = (next_absence + 1) % ABSENCES_MAX;
	}
	absence->first_ms = now_ms;
	if (!str_copy(str_of(name), absence->name, sizeof(absence->name)))
		absence->name[0] = '\0';
	return false;
}

bool
stale_is_suspect(uint32_t ttl_s, uint32_t minimum_s)
{
	return ttl_s <= STALE_TTL_S && (minimum_s >= STALE_TTL_S || ttl_s > minimum_s);
}

bool
stale_counts(const char *name, int64_t now_ms)
{
	bool yes;

	pthread_mutex_lock(&lock);
	yes = counts(name, now_ms);
	pthread_mutex_unlock(&lock);
	return yes;
}
