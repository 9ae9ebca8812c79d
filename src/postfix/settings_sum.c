/* SPDX-License-Identifier: BSD-2-Clause */
/* Are Postfix's settings those that the decisions rest on? */
#include <sys/stat.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "postfix/postfix.h"

static void
add_text(struct buf *out, const char *text)
{
	buf_printf(out, "%s\n", text != NULL ? text : "");
}

int64_t
postfix_settings_sum(const struct postfix_settings *s, enum level default_level)
{
	struct buf text = {0};
	uint64_t sum;

	buf_printf(&text, "%d %d %d %d\n", (int)default_level, s->can_dane, s->logs_in,
	    s->passwords_by_sender);
	buf_printf(&text, "%d %d\n", s->sts_patterns, s->service_authorities);
	add_text(&text, s->version); /* which decides what an entry may say */
	add_text(&text, s->policy_maps);
	add_text(&text, s->relayhost);
	add_text(&text, s->transport_maps);
	add_text(&text, s->default_transport);
	add_text(&text, s->sender_relayhost_maps);
	add_text(&text, s->sender_transport_maps);
	add_text(&text, s->fallback_relay);
	add_text(&text, s->ca_file);
	add_text(&text, s->ca_path);
	add_text(&text, s->mandatory_protocols);
	add_text(&text, s->verify_match);
	add_text(&text, s->secure_match);
	add_text(&text, s->password_maps);
	/* What was decided before it was in the sum stands. */
	if (s->tcp_port != NULL && s->tcp_port[0] != '\0' &&
	    strcmp(s->tcp_port, "smtp") != 0 && strcmp(s->tcp_port, "25") != 0)
		add_text(&text, s->tcp_port);
	if (s->relay_transport != NULL && strchr(s->relay_transport, ':') != NULL)
		add_text(&text, s->relay_transport);
	for (size_t i = 0; i < s->service_count; i++)
		buf_printf(
		    &text, "%s %d\n", s->services[i].name, (int)s->services[i].level);
	sum = sha256_of((struct str){text.data, text.len}) >> 1;
	buf_clear(&text);
	return sum != 0 ? (int64_t)sum : 1;
}

static void
add_mark(const char *directory, const char *name, struct buf *mark)
{
	struct buf path = {0};
	struct stat st;

	buf_printf(&path, "%s/%s", directory, name);
	if (stat(buf_text(&path), &st) == 0)
		buf_printf(mark, "%llu %lld %lld.%09ld\n", (unsigned long long)st.st_ino,
		    (long long)st.st_size, (long long)st.st_mtim.tv_sec,
		    st.st_mtim.tv_nsec);
	buf_clear(&path);
}

uint64_t
postfix_files_mark(const struct postfix *postfix, const struct postfix_settings *settings)
{
	const char *directory =
	    postfix->config_directory != NULL && postfix->config_directory[0] != '\0'
	    ? postfix->config_directory
	    : settings->directory;
	struct buf text = {0};
	uint64_t mark = 0;

	if (postfix->command_count > 0 || directory == NULL || directory[0] == '\0')
		return 0;
	add_mark(directory, "main.cf", &text);
	add_mark(directory, "master.cf", &text);
	if (text.len > 0)
		mark = sha256_of((struct str){text.data, text.len});
	buf_clear(&text);
	return mark;
}
