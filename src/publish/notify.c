/* SPDX-License-Identifier: BSD-2-Clause */
#include "publish/notify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "postfix/run.h"
#include "sys/child.h"

#define POSTCONF_MS 10000
#define SENDMAIL_MS 60000
#define COMMAND_MS  60000
#define SUBJECT_MAX 200
#define ADDRESS_MAX 320
#define ENCODED_MAX 60 /* of a word; RFC 2047 section 2 allows 75 with its frame */

bool
notify_is_address(const char *text)
{
	static const char special[] = "<>()[]{},;:\\\"'`|&$!";
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr(special, *p) != NULL)
			return false;
	return len > 0 && len <= ADDRESS_MAX && text[0] != '-';
}

void
notify_host(char out[NOTIFY_HOST_SIZE])
{
	if (gethostname(out, NOTIFY_HOST_SIZE) != 0)
		out[0] = '\0';
	out[NOTIFY_HOST_SIZE - 1] = '\0';
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool
is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] >= 0x80)
			return false;
	return true;
}

/* Between two bytes of one UTF-8 character nothing may be cut. */
static bool
is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* RFC 2047, encoding Q, in words that each hold whole characters. */
static void
add_encoded(struct buf *out, struct str text)
{
	static const char begin[] = "=?UTF-8?Q?", end[] = "?=";
	size_t used = 0;

	buf_add_str(out, str_of(begin));
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (used > ENCODED_MAX - 12 && !is_inside(c)) {
			buf_printf(out, "%s\n %s", end, begin);
			used = 0;
		}
		if (ascii_is_alnum(c)) {
			buf_add_char(out, c);
			used += 1;
		} else {
			buf_printf(out, "=%02X", is_control(c) ? ' ' : (unsigned char)c);
			used += 3;
		}
	}
	buf_add_str(out, str_of(end));
}

static void
add_subject(struct buf *out, struct str text)
{
	if (text.len > SUBJECT_MAX) {
		text.len = SUBJECT_MAX;
		while (text.len > 0 && is_inside(text.p[text.len]))
			text.len--;
	}
	buf_add_str(out, STR("Subject: "));
	if (is_plain(text))
		for (size_t i = 0; i < text.len; i++)
			buf_add_char(out, is_control(text.p[i]) ? ' ' : text.p[i]);
	else
		add_encoded(out, text);
	buf_add_char(out, '\n');
}

static void
add_body(struct buf *out, const char *body)
{
	for (const char *p = body; *p != '\0'; p++)
		buf_add_char(out, is_control(*p) && *p != '\n' && *p != '\t' ? '?' : *p);
	if (out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
}

/* Date and Message-ID are cleanup(8)'s. Auto-Submitted (RFC 3834) keeps responders
 * silent; with TLS-Required (RFC 8689) the mail does not wait for what it is about. */
void
notify_print(const struct notify_mail *mail, struct buf *out)
{
	if (mail->from[0] != '\0')
		buf_printf(out, "From: tlsladder <%s>\n", mail->from);
	buf_printf(out, "To: <%s>\n", mail->to);
	add_subject(out, str_of(mail->subject));
	buf_add_str(out,
	    STR("Auto-Submitted: auto-generated\n"
	        "TLS-Required: no\n"
	        "MIME-Version: 1.0\n"
	        "Content-Type: text/plain; charset=utf-8\n"
	        "Content-Transfer-Encoding: 8bit\n"
	        "\n"));
	add_body(out, mail->body);
}

bool
notify_run(
    char *const *command, size_t count, const struct notify_mail *mail, struct err *err)
{
	const char **argv = mem_new(count + 1, sizeof(*argv));
	struct child_request request = {
	    .argv = argv, .timeout_ms = COMMAND_MS, .output_max = 65536};
	struct child_result result;
	struct buf text = {0}, why = {0};
	bool done;

	for (size_t i = 0; i < count; i++)
		argv[i] = command[i];
	for (const char *p = mail->subject; *p != '\0'; p++)
		buf_add_char(&text, is_control(*p) ? ' ' : *p);
	buf_add_str(&text, STR("\n\n"));
	add_body(&text, mail->body);
	request.input = (struct str){text.data, text.len};
	done = child_run(&request, &result, err);
	if (done && result.status != 0) {
		child_describe(&result, &why);
		done = err_set(err, "%s: %s", command[0], buf_text(&why));
	}
	child_result_clear(&result);
	buf_clear(&text);
	buf_clear(&why);
	free(argv);
	return done;
}

/* Where Postfix says that it is, else wherever PATH has one. free() */
static char *
find_sendmail(const struct postfix *postfix, int stop_fd)
{
	const char *arguments[] = {"-h", "sendmail_path", NULL};
	struct postfix_call call = {
	    .program = "postconf",
	    .arguments = arguments,
	    .timeout_ms = POSTCONF_MS,
	    .output_max = 4096,
	    .stop_fd = stop_fd,
	};
	struct child_result result;
	struct err ignored;
	char *path = NULL;

	if (postfix_run_well(postfix, &call, &result, &ignored)) {
		struct str text = {buf_text(&result.output), result.output.len};
		struct str line;

		if (str_cut(&text, '\n', &line) && line.len > 0 && line.p[0] == '/')
			path = mem_strndup(line.p, line.len);
	}
	child_result_clear(&result);
	return path != NULL ? path : mem_strdup("sendmail");
}

/* Above that shells, docker(1) and ssh(1) say that it did not end by itself. */
static bool
is_own_end(int status)
{
	return status > 0 && status < 128;
}

static enum answer
run_sendmail(const struct postfix *postfix, const char *sendmail,
    const struct notify_mail *mail, int stop_fd, struct err *err)
{
	const char *arguments[8] = {"-i"};
	size_t count = 1;
	struct postfix_call call = {
	    .program = sendmail,
	    .config_option = "-C",
	    .arguments = arguments,
	    .timeout_ms = SENDMAIL_MS,
	    .output_max = 65536,
	    .stop_fd = stop_fd,
	};
	struct child_result result;
	struct buf text = {0};
	enum answer taken = ANSWER_YES;

	if (mail->from[0] != '\0') {
		arguments[count++] = "-f";
		arguments[count++] = mail->from;
	} else {
		arguments[count++] = "-F";
		arguments[count++] = "tlsladder";
	}
	arguments[count++] = "--";
	arguments[count] = mail->to;
	notify_print(mail, &text);
	call.input = (struct str){text.data, text.len};
	if (!postfix_run_well(postfix, &call, &result, err))
		taken = is_own_end(result.status) || !result.input_read ? ANSWER_NO
		                                                        : ANSWER_UNSURE;
	child_result_clear(&result);
	buf_clear(&text);
	return taken;
}

enum answer
notify_hand_over(const struct postfix *postfix, const struct notify_mail *mail,
    int stop_fd, struct err *err)
{
	enum answer taken;
	char *sendmail;

	if (!notify_is_address(mail->to)) {
		err_set(err, "notify.to is not one plain mail address");
		return ANSWER_NO;
	}
	if (mail->from[0] != '\0' && !notify_is_address(mail->from)) {
		err_set(err, "notify.from is not one plain mail address");
		return ANSWER_NO;
	}
	sendmail = find_sendmail(postfix, stop_fd);
	taken = run_sendmail(postfix, sendmail, mail, stop_fd, err);
	free(sendmail);
	return taken;
}

bool
notify_send(
    const struct postfix *postfix, const struct notify_mail *mail, struct err *err)
{
	return notify_hand_over(postfix, mail, 0, err) == ANSWER_YES;
}
