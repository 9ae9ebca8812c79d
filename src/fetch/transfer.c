/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetch/transfer.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "core/sts_answer.h"

#define WELL_KNOWN "/.well-known/mta-sts.txt"
#define AGENT      "tlsladder/" PACKAGE_VERSION " (MTA-STS policy, RFC 8461)"

#define ENCODING_SIZE 64
#define TOO_LARGE     100 /* CURLE_TOO_LARGE of libcurl 8.6 */

struct transfer {
	const struct fetch_request *request;
	CURL *curl;
	struct curl_slist *headers, *addresses, *instead;
	struct buf body;
	struct sts_answer http; /* as far as it came; type is libcurl's */
	char encoding[ENCODING_SIZE];
	char trouble[CURL_ERROR_SIZE];
	bool delimited;   /* the body says itself where it ends */
	bool closed;      /* the server ended TLS, and not whoever cuts connections */
	unsigned refused; /* addresses that are not to be connected to */
};

/* --- what comes --------------------------------------------------------------------- */

/* Less than what came ends the transfer. What libcurl counts by itself is only what
 * Content-Length announces. */
static size_t
take_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *t = context;

	t->http.body_octets += size * count;
	if (!sts_answer_fits(&t->http))
		return 0;
	buf_add(&t->body, data, size * count);
	return size * count;
}

static bool
eat_name(struct str *line, struct str name)
{
	if (line->len < name.len ||
	    !str_equal_nocase((struct str){line->p, name.len}, name))
		return false;
	*line = str_skip(*line, name.len);
	return true;
}

static void
take_encoding(struct transfer *t, struct str value)
{
	if (value.len >= sizeof(t->encoding))
		value.len = sizeof(t->encoding) - 1;
	str_copy(value, t->encoding, sizeof(t->encoding));
	t->http.encoding = t->encoding;
}

/* Of all answers of the transfer, those of status 100 among them. */
static size_t
take_header(char *data, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	struct str line = {data, size * count};

	t->http.headers++;
	t->http.header_octets += line.len;
	if (!sts_answer_fits(&t->http))
		return 0;
	if (line.len > 0 && line.p[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	if (str_starts(line, STR("HTTP/"))) {
		t->http.encoding = NULL;
		t->delimited = false;
	} else if (eat_name(&line, STR("content-length:"))) {
		t->delimited = true;
	} else if (eat_name(&line, STR("content-encoding:"))) {
		take_encoding(t, str_trim(line));
	} else if (eat_name(&line, STR("transfer-encoding:"))) {
		if (str_equal_nocase(str_trim(line), STR("chunked")))
			t->delimited = true;
		else
			take_encoding(t, str_trim(line));
	}
	return size * count;
}

/* --- where to ----------------------------------------------------------------------- */

static bool
is_allowed(const struct fetch_request *request, const struct address *address)
{
	return address_is_allowed(address, request->nat64, request->nat64_count,
	    request->networks, request->network_count);
}

/* The last look at an address before it is connected to. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	const struct transfer *t = context;
	struct address address = {.length = 4};

	(void)purpose;
	if (to->family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&to->addr;

		memcpy(address.octets, &in->sin_addr, 4);
	} else if (to->family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&to->addr;

		address.length = 16;
		memcpy(address.octets, &in6->sin6_addr, 16);
	} else {
		return CURL_SOCKET_BAD;
	}
	if (!is_allowed(t->request, &address))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* "HOST:PORT:ADDRESS,ADDRESS" of those that may be connected to; libcurl asks no DNS. */
static bool
give_addresses(struct transfer *t)
{
	const struct fetch_request *request = t->request;
	char text[ADDRESS_TEXT_SIZE];
	struct buf entry = {0};
	unsigned given = 0;

	buf_printf(&entry, "%s:%u:", request->host, (unsigned)request->port);
	for (unsigned i = 0; i < request->address_count; i++) {
		const struct address *address = &request->addresses[i];

		if (!is_allowed(request, address)) {
			t->refused++;
			continue;
		}
		address_print(address, text);
		buf_printf(&entry, address->length == 16 ? "%s[%s]" : "%s%s",
		    given++ > 0 ? "," : "", text);
	}
	if (given > 0)
		t->addresses = curl_slist_append(NULL, buf_text(&entry));
	buf_clear(&entry);
	return given > 0;
}

/* --- options ------------------------------------------------------------------------ */

/* Where a transfer stands in an SSL_CTX. */
static int
transfer_index(void)
{
	static int at = -1;

	if (at < 0)
		at = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return at;
}

/* libcurl takes the end of a connection for that of a body, whoever ended it. */
static void
take_alert(const SSL *ssl, int where, int value)
{
	struct transfer *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), transfer_index());

	if (where == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
		t->closed = true;
}

/*
 * The name is looked for among the DNS names of the certificate alone, where libcurl
 * would take the common name of one that has none; "*" is a whole label (RFC 8461 3.3).
 */
static CURLcode
set_tls(CURL *curl, void *context, void *user)
{
	struct transfer *t = user;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);

	(void)curl;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(param, t->request->host, 0) != 1 ||
	    SSL_CTX_set_ex_data(context, transfer_index(), t) != 1)
		return CURLE_FAILED_INIT;
	SSL_CTX_set_info_callback(context, take_alert);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	return CURLE_OK;
}

/* One after the other; the first that libcurl refuses ends it. */
#define SET(option, value) \
	do { \
		CURLcode code_ = curl_easy_setopt(t->curl, option, value); \
		if (code_ != CURLE_OK) \
			return err_set(err, "libcurl has no " #option ": %s", \
			    curl_easy_strerror(code_)); \
	} while (0)

/* Nothing of this machine's and this user's settings counts. */
static bool
set_manners(struct transfer *t, struct err *err)
{
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_HTTP_TRANSFER_DECODING, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_USERAGENT, AGENT);
	SET(CURLOPT_HTTPHEADER, t->headers);
	return true;
}

static bool
set_trust(struct transfer *t, struct str ca, struct err *err)
{
	struct curl_blob blob = {
	    .data = (void *)(uintptr_t)ca.p, .len = ca.len, .flags = CURL_BLOB_NOCOPY};

	SET(CURLOPT_CAINFO_BLOB, &blob);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_SSL_CTX_FUNCTION, set_tls);
	SET(CURLOPT_SSL_CTX_DATA, t);
	return true;
}

static bool
set_limits(struct transfer *t, struct err *err)
{
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)t->request->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)t->request->time_ms);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	SET(CURLOPT_ERRORBUFFER, t->trouble);
	return true;
}

/* Another port (of tests) is connected to; asked is as if it were 443. */
static bool
set_target(struct transfer *t, struct err *err)
{
	const struct fetch_request *request = t->request;
	struct buf text = {0};

	buf_printf(
	    &text, "%s:443:%s:%u", request->host, request->host, (unsigned)request->port);
	t->instead = curl_slist_append(NULL, buf_text(&text));
	buf_reset(&text);
	buf_printf(&text, "https://%s" WELL_KNOWN, request->host);
	if (curl_easy_setopt(t->curl, CURLOPT_URL, buf_text(&text)) != CURLE_OK) {
		buf_clear(&text);
		return err_set(err, "libcurl takes no such address");
	}
	buf_clear(&text);
	if (request->port != 443)
		SET(CURLOPT_CONNECT_TO, t->instead);
	SET(CURLOPT_RESOLVE, t->addresses);
	return true;
}

bool
transfer_begin(const struct fetch_request *request, struct str ca, struct transfer **out,
    struct err *err)
{
	struct transfer *t = mem_new(1, sizeof(*t));

	*out = t;
	t->request = request;
	if (curl_global_init(CURL_GLOBAL_SSL) != CURLE_OK ||
	    (t->curl = curl_easy_init()) == NULL)
		return err_set(err, "libcurl cannot be started");
	t->headers = curl_slist_append(NULL, "Accept: text/plain");
	return !give_addresses(t) ||
	    (set_manners(t, err) && set_trust(t, ca, err) && set_limits(t, err) &&
	        set_target(t, err));
}

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	if (t->curl != NULL)
		curl_easy_cleanup(t->curl);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->addresses);
	curl_slist_free_all(t->instead);
	buf_clear(&t->body);
	free(t);
}

/* --- what became of it -------------------------------------------------------------- */

/* The certificate was refused: for which of its faults. */
static enum sts_cause
certificate_cause(struct transfer *t, struct buf *detail)
{
	long result = X509_V_OK;

	curl_easy_getinfo(t->curl, CURLINFO_SSL_VERIFYRESULT, &result);
	if (result != X509_V_OK)
		buf_printf(detail, "%s", X509_verify_cert_error_string(result));
	switch (result) {
	case X509_V_OK: /* libcurl's own comparison */
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return STS_CAUSE_TLS_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return STS_CAUSE_TLS_DATE;
	default:
		return STS_CAUSE_TLS_CA;
	}
}

static enum sts_cause
answer_cause(struct transfer *t, bool whole, struct buf *detail)
{
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
	t->http.status = (unsigned)status;
	t->http.type = type;
	t->http.whole = whole && (t->delimited || t->closed);
	return sts_answer_judge(&t->http, detail);
}

/* A header line, or the status line, over libcurl's own limit, and so over ours: it is
 * never handed over. Nothing else is so large once the request was sent. */
static bool
is_long_header(const struct transfer *t, CURLcode code)
{
	long sent = 0;

	curl_easy_getinfo(t->curl, CURLINFO_REQUEST_SIZE, &sent);
	return ((int)code == TOO_LARGE || code == CURLE_OUT_OF_MEMORY) && sent > 0;
}

static enum sts_cause
cause_of(struct transfer *t, CURLcode code, struct buf *detail)
{
	enum sts_cause cause;

	if (is_long_header(t, code)) {
		buf_printf(detail, "a header line");
		return STS_CAUSE_TOO_LARGE;
	}
	switch (code) {
	case CURLE_OK:
	case CURLE_WRITE_ERROR: /* it became too large */
		cause = answer_cause(t, code == CURLE_OK, detail);
		if (cause == STS_CAUSE_BROKEN)
			buf_printf(detail, "TLS was cut off");
		return cause;
	case CURLE_PEER_FAILED_VERIFICATION:
		return certificate_cause(t, detail);
	case CURLE_COULDNT_CONNECT:
		cause = STS_CAUSE_CONNECT;
		break;
	case CURLE_OPERATION_TIMEDOUT:
		cause = STS_CAUSE_TIMEOUT;
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		cause = STS_CAUSE_TLS;
		break;
	case CURLE_FILESIZE_EXCEEDED:
		cause = STS_CAUSE_TOO_LARGE;
		break;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_FAILED_INIT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_NOT_BUILT_IN:
		cause = STS_CAUSE_FETCHER;
		break;
	default:
		cause = answer_cause(t, false, detail);
		if (cause != STS_CAUSE_BROKEN)
			return cause;
	}
	buf_add_quoted(detail,
	    str_of(t->trouble[0] != '\0' ? t->trouble : curl_easy_strerror(code)));
	return cause;
}

static void
fill_detail(const struct buf *detail, struct fetch_answer *answer)
{
	struct str text = {buf_text(detail), detail->len};

	if (text.len >= sizeof(answer->detail))
		text.len = sizeof(answer->detail) - 1;
	str_copy(text, answer->detail, sizeof(answer->detail));
}

void
transfer_run(struct transfer *t, struct fetch_answer *answer)
{
	struct buf detail = {0};
	char *address = NULL;
	long status = 0;
	CURLcode code;

	*answer = (struct fetch_answer){.cause = STS_CAUSE_NO_ADDRESS};
	if (t->addresses == NULL) {
		if (t->refused > 0)
			answer->cause = STS_CAUSE_REFUSED_ADDRESS;
		return;
	}
	code = curl_easy_perform(t->curl);
	answer->cause = cause_of(t, code, &detail);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->curl, CURLINFO_PRIMARY_IP, &address);
	answer->status = status > 0 && status < 1000 ? (unsigned)status : 0;
	if (address != NULL)
		str_copy(str_of(address), answer->address, sizeof(answer->address));
	fill_detail(&detail, answer);
	if (answer->cause == STS_CAUSE_OK)
		answer->body = (struct str){buf_text(&t->body), t->body.len};
	buf_clear(&detail);
}
