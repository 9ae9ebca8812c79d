/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's settings, once they are known. */
#include <stdlib.h>
#include <string.h>

#include "postfix/postfix.h"

bool
postfix_has_authorities(const struct postfix_settings *settings)
{
	return settings->service_authorities ||
	    (settings->ca_file != NULL && settings->ca_file[0] != '\0') ||
	    (settings->ca_path != NULL && settings->ca_path[0] != '\0');
}

void
postfix_take_port(const struct postfix_settings *settings, struct ports *ports)
{
	struct str text = str_of(settings->tcp_port != NULL ? settings->tcp_port : "");
	uint64_t number;

	if (!str_number(text, UINT16_MAX, &number))
		number = ports_named(ports, text);
	ports->standard = number != 0 ? (uint16_t)number : PORTS_SMTP;
}

enum level
postfix_service_level(const struct postfix_settings *settings, const char *service)
{
	for (size_t i = 0; i < settings->service_count; i++)
		if (strcmp(settings->services[i].name, service) == 0)
			return settings->services[i].level;
	return settings->level;
}

void
postfix_settings_clear(struct postfix_settings *settings)
{
	free(settings->version);
	free(settings->policy_maps);
	free(settings->database_type);
	free(settings->directory);
	free(settings->relayhost);
	free(settings->transport_maps);
	free(settings->default_transport);
	free(settings->relay_domains);
	free(settings->relay_transport);
	free(settings->sender_relayhost_maps);
	free(settings->sender_transport_maps);
	free(settings->fallback_relay);
	free(settings->recipient_delimiter);
	free(settings->tcp_port);
	free(settings->ca_file);
	free(settings->ca_path);
	free(settings->tls_loglevel);
	free(settings->log_names);
	free(settings->mandatory_protocols);
	free(settings->mandatory_ciphers);
	free(settings->verify_match);
	free(settings->secure_match);
	free(settings->helo_name);
	free(settings->password_maps);
	for (size_t i = 0; i < settings->service_count; i++)
		free(settings->services[i].name);
	free(settings->services);
	free(settings->dane_trouble);
	free(settings->told);
	*settings = (struct postfix_settings){0};
}
