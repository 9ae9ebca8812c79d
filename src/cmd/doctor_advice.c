/* SPDX-License-Identifier: BSD-2-Clause */
/* doctor: what is to be typed, as lines for a root shell. */
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"

#define STANDARD_FILE SYSCONFDIR "/tlsladder/tlsladder.yaml"

void
buf_add_shell(struct buf *buf, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789_@%+=:,./-";

	if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
		buf_printf(buf, "%s", word);
		return;
	}
	buf_add_char(buf, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_printf(buf, "'\\''");
		else
			buf_add_char(buf, *word);
	}
	buf_add_char(buf, '\'');
}

void
doctor_add_postfix(const struct doctor *d, const char *program, struct buf *buf)
{
	for (size_t i = 0; i < d->postfix.command_count; i++) {
		buf_add_shell(buf, d->postfix.command[i]);
		buf_add_char(buf, ' ');
	}
	buf_printf(buf, "%s", program);
	if (d->config->postfix.config_directory[0] != '\0') {
		buf_printf(buf, " -c ");
		buf_add_shell(buf, d->config->postfix.config_directory);
	}
}

void
doctor_add_self(const struct doctor *d, struct buf *buf)
{
	buf_printf(buf, "tlsladder");
	if (strcmp(d->options->config_file, STANDARD_FILE) != 0) {
		buf_printf(buf, " -c ");
		buf_add_shell(buf, d->options->config_file);
	}
}

void
doctor_advise_setting(struct doctor *d, const char *name, const char *value)
{
	struct buf setting = {0};

	buf_printf(&setting, "%s = %s", name, value);
	doctor_add_postfix(d, "postconf", &d->advice);
	buf_printf(&d->advice, " -e ");
	buf_add_shell(&d->advice, buf_text(&setting));
	buf_add_char(&d->advice, '\n');
	doctor_add_postfix(d, "postfix", &d->advice);
	buf_printf(&d->advice, " reload\n");
	buf_clear(&setting);
}

static void
add_unit(const char *verb, const char *unit, struct buf *buf)
{
	if (access("/run/systemd/system", F_OK) == 0)
		buf_printf(buf, "systemctl %s %s", verb, unit);
	else if (strcmp(unit, "tlsladder") != 0)
		buf_printf(buf, "service %s %s", unit, verb);
	else if (strcmp(verb, "reload") == 0)
		buf_printf(buf, "# send SIGHUP to tlsladder");
	else
		buf_printf(buf, "# %s tlsladder run, by what supervises it here",
		    strcmp(verb, "restart") == 0 ? verb : "start");
}

void
doctor_advise_unit(struct doctor *d, const char *verb, const char *unit)
{
	bool is_own = d->unit[0] != '\0' && strcmp(unit, "tlsladder") == 0;

	add_unit(verb, is_own ? d->unit : unit, &d->advice);
	buf_add_char(&d->advice, '\n');
}

void
doctor_advise_restart(struct doctor *d)
{
	doctor_advise_unit(d, "restart", "tlsladder");
}
