/* SPDX-License-Identifier: BSD-2-Clause */
/* tlsladder match: what the rules say of each line of a log. For writing rules. */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/masked.h"
#include "cmd/logfile.h"
#include "cmd/page.h"
#include "core/logline.h"
#include "core/parsed.h"
#include "core/prefilter.h"
#include "core/status.h"
#include "logs/reader.h"

#define OUT_SIZE 65536

struct match {
	const struct rules *rules;
	struct rules_matcher *matcher;
	bool all;
	bool json;
	const struct config *config;
	struct logfile log;
	uint64_t line;     /* number of the line at hand */
	uint64_t strange;  /* lines that look like Postfix's, and are not read */
	uint64_t doubtful; /* that a recipient may have written */
	char strange_line[512];
	unsigned gave_up; /* texts on which a pattern ran into its limit */
	bool is_shown;    /* on a terminal, which is not that wide */
	struct buf out;
};

static bool
write_out(struct match *m)
{
	bool done = true;

	if (m->is_shown)
		page_print_whole(&m->out);
	else
		done = fwrite(m->out.data, 1, m->out.len, stdout) == m->out.len;
	buf_reset(&m->out);
	return done;
}

/* printf(3) would take as long as all the rest of a record. */
static void
add_number(struct buf *out, uint64_t n)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_add(out, p, (size_t)(digits + sizeof(digits) - p));
}

static void
add_text_field(struct buf *out, struct str text)
{
	if (text.len == 0)
		buf_add_char(out, '-');
	else
		buf_add_visible(out, text);
}

static void
print_text(struct match *m, const struct status_line *s, const char *rule)
{
	const struct str fields[] = {s->queue_id, s->recipient, s->domain, s->relay,
	    s->dsn, s->status_word, s->reason, str_of(rule != NULL ? rule : "")};

	add_number(&m->out, m->line);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		buf_add_str(&m->out, m->is_shown ? STR("  ") : STR("\t"));
		add_text_field(&m->out, fields[i]);
	}
	buf_add_char(&m->out, '\n');
}

static void
add_member(struct buf *out, struct str name, struct str text)
{
	buf_add_str(out, name);
	buf_add_json(out, text);
}

static void
print_json(struct match *m, const struct status_line *s, const char *rule)
{
	buf_add_str(&m->out, STR("{\"line\":"));
	add_number(&m->out, m->line);
	add_member(&m->out, STR(",\"queue_id\":"), s->queue_id);
	add_member(&m->out, STR(",\"recipient\":"), s->recipient);
	add_member(&m->out, STR(",\"domain\":"), s->domain);
	add_member(&m->out, STR(",\"relay\":"), s->relay);
	add_member(&m->out, STR(",\"dsn\":"), s->dsn);
	add_member(&m->out, STR(",\"status\":"), s->status_word);
	add_member(&m->out, STR(",\"reason\":"), s->reason);
	if (rule != NULL)
		add_member(&m->out, STR(",\"rule\":"), str_of(rule));
	else
		buf_add_str(&m->out, STR(",\"rule\":null"));
	buf_add_str(&m->out, STR("}\n"));
}

static const char *
rule_of(struct match *m, const struct logline *line, const struct status_line *s)
{
	struct rule_subject subject = {
	    .reason = s->own_reason,
	    .dsn = s->dsn,
	    .service = line->service,
	    .status = s->status_word,
	    .cause = cause_of_reason(s->own_reason),
	};
	int rule;

	if (s->status == DELIVERY_SENT || s->status == DELIVERY_DELIVERABLE)
		return NULL;
	/* DNS is not asked here, so rules for signed domains alone do not count; nor are
	 * lines before this one read, which tell what is wrong with a certificate. */
	rule = rules_match(
	    m->rules, m->matcher, &subject, 0, RULE_DNSSEC_INSECURE, &m->gave_up);
	return rule >= 0 ? rules_get(m->rules, (size_t)rule)->name : NULL;
}

static void
note_strange(struct match *m, struct str line, const struct logline *split)
{
	struct parsed strange;

	if (!parsed_from_strange(line, split, &strange))
		return;
	m->strange++;
	masked_copy(strange.text, m->strange_line, sizeof(m->strange_line));
}

/* A status line of Postfix that says whose it is. */
static bool
parse_line(struct match *m, struct str line, struct logline *split, struct status_line *s)
{
	if (!logline_split(line, split) &&
	    !logline_split_nested(line, str_of(m->config->log.nested), split)) {
		note_strange(m, line, NULL);
		return false;
	}
	if (!status_parse(split->text, s)) {
		note_strange(m, line, split);
		return false;
	}
	if (s->ambiguous &&
	    logfile_quotes(&m->log, parsed_instance(split)) != ANSWER_YES) {
		m->doubtful++;
		return false;
	}
	return true;
}

static bool
match_lines(struct match *m, struct str lines)
{
	uint64_t first = m->line;
	struct status_line s;
	struct logline split;
	struct prefilter prefilter;
	struct str line;

	prefilter_start(&prefilter, lines,
	    m->all ? PREFILTER_TROUBLE | PREFILTER_SENT : PREFILTER_TROUBLE);
	while (prefilter_next(&prefilter, &line)) {
		const char *rule;

		if (!parse_line(m, line, &split, &s))
			continue;
		rule = rule_of(m, &split, &s);
		if (rule == NULL && !m->all)
			continue;
		m->line = first + prefilter.line;
		if (m->json)
			print_json(m, &s, rule);
		else
			print_text(m, &s, rule);
		if (m->out.len >= OUT_SIZE && !write_out(m))
			return false;
	}
	m->line = first + prefilter.line;
	return true;
}

static int
match_file(struct match *m, const char *path)
{
	enum reader_result result;
	struct reader *reader;
	uint64_t long_lines = 0;
	struct str lines;
	struct err err;
	int status = 0;

	m->line = 1;
	m->strange = m->doubtful = 0;
	logfile_init(&m->log, m->config, path);
	reader = reader_open(path, READER_AHEAD, &err);
	if (reader == NULL)
		return cmd_fail(EX_NOINPUT, "%s", err.text);
	while ((result = reader_next(reader, &lines, &err)) != READER_END) {
		if (result == READER_FAILED)
			status = cmd_fail(EX_IOERR, "%s", err.text);
		if (result == READER_LONG) {
			m->line++;
			long_lines++;
		}
		if (result == READER_LINES)
			logfile_expect(&m->log, lines);
		if (result == READER_LINES && !match_lines(m, lines)) {
			status = cmd_flush();
			break;
		}
		/* A person may be watching, so lines from a pipe are shown as they
		 * come. */
		if (result == READER_LINES && reader_wants_input(reader) &&
		    strcmp(path, "-") == 0 && (!write_out(m) || fflush(stdout) != 0))
			break;
	}
	cmd_tell_long(path, long_lines);
	logfile_tell_wide(path);
	logfile_tell_strange(path, m->strange, str_of(m->strange_line));
	logfile_tell_doubtful(path, m->doubtful);
	reader_free(reader);
	if (!write_out(m))
		return cmd_flush();
	return status;
}

static int
run_match(const struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {{"all", no_argument, NULL, 'a'},
	    {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	struct match m = {0};
	struct config config;
	struct rules *rules;
	int option, status, worst = 0;

	while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (option == 'a')
			m.all = true;
		else if (option == 'j')
			m.json = true;
		else
			return cmd_wrong_option(&cmd_match, option, argv);
	}
	status = cmd_load(options, &config, &rules);
	if (status != 0)
		return status;
	m.config = &config;
	m.is_shown = !m.json && page_columns() > 0;
	m.rules = rules;
	m.matcher = rules_matcher_new(rules);
	if (optind == argc) {
		logfile_tell_terminal();
		worst = match_file(&m, "-");
	}
	for (; optind < argc; optind++) {
		status = match_file(&m, argv[optind]);
		worst = status != 0 ? status : worst;
	}
	if (m.gave_up > 0)
		cmd_warn("%u times a pattern ran into its limit, which is no match; "
		         "simplify what backtracks, as (a+)+",
		    m.gave_up);
	rules_matcher_free(m.matcher);
	rules_free(rules);
	config_clear(&config);
	buf_clear(&m.out);
	status = cmd_flush();
	return worst != 0 ? worst : status;
}

const struct command cmd_match = {
    .name = "match",
    .usage = "[--all] [--json] [FILE|-]...",
    .summary = "Show the delivery status lines that a rule matches",
    .help =
        "  --all   every status line, sent ones too, rule or none\n"
        "  --json  one JSON object a line\n\n"
        "A record: line, queue id, recipient, domain, relay, dsn, status, reason, rule,\n"
        "apart by tabs, - for nothing; on a terminal by blanks, and it goes on in the\n"
        "next line.\n",
    .run = run_match,
};
