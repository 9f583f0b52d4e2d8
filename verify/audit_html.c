/* SPDX-License-Identifier: MIT */
/* The audit as a page. It has no script: each order of the artifacts is a table of its own, and a
 * link shows one of them (:target) instead of the first. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/rollup.h"
#include "core/capture.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "verify/audit_html.h"

#define ROWS_SHOWN       500U /* of each table of artifacts */
#define UNREAD_SHOWN     500U
#define EXCEPTIONS_SHOWN 500U

/* ---- orders --------------------------------------------------------------------------------- */

static const struct audit_artifact *artifact_of(const void *p)
{
	return *(const struct audit_artifact *const *)p;
}

/* As the report has them: all lie in one array. */
static int by_verdict(const void *pa, const void *pb)
{
	const struct audit_artifact *a = artifact_of(pa), *b = artifact_of(pb);

	return (a > b) - (a < b);
}

static int by_path(const void *pa, const void *pb)
{
	int order = strcmp(artifact_of(pa)->paths[0], artifact_of(pb)->paths[0]);

	return order ? order : by_verdict(pa, pb);
}

static int by_foreign(const void *pa, const void *pb)
{
	uint64_t a = audit_foreign(&artifact_of(pa)->counts);
	uint64_t b = audit_foreign(&artifact_of(pb)->counts);

	return a != b ? (a < b ? 1 : -1) : by_path(pa, pb);
}

static int by_size(const void *pa, const void *pb)
{
	uint64_t a = artifact_of(pa)->counts.code_bytes, b = artifact_of(pb)->counts.code_bytes;

	return a != b ? (a < b ? 1 : -1) : by_path(pa, pb);
}

/* The first is what is shown when none was asked for. */
static const struct order {
	const char *id, *title;
	int (*compare)(const void *, const void *);
} orders[] = {
	{ "by-verdict", "verdict, the worst first", by_verdict },
	{ "by-path", "path", by_path },
	{ "by-foreign", "foreign bytes", by_foreign },
	{ "by-size", "bytes of code", by_size },
};

/* ---- the top -------------------------------------------------------------------------------- */

void audit_path(struct audit_page *p, const char *path)
{
	if (path[0])
		html_text(&p->h, path);
	else
		html_bytes(&p->h, p->view->address, strlen(p->view->address));
}

static void put_title(struct audit_page *p)
{
	struct html *h = &p->h;

	html_open(h, "h1");
	html_text(h, "Audit of ");
	html_open_class(h, "span", "path");
	html_bytes(h, p->view->address, strlen(p->view->address));
	html_close(h);
	html_close(h);
}

static uint64_t n_unread(const struct audit_report *r)
{
	return r->n_unread + r->n_unread_lost;
}

static size_t n_failed(const struct audit_report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_artifacts; i++)
		n += !r->artifacts[i].pass;
	return n;
}

static size_t n_mismatches(const struct audit_report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->policy->n_exceptions; i++)
		n += r->uses[i] == AUDIT_MISMATCH;
	return n;
}

static void put_pass(struct html *h, const struct audit_counts *c)
{
	html_open_class(h, "p", "verdict good");
	if (c->covered == c->code_bytes) {
		html_text(h, "Passes: all code that was found is allowed or declared.");
	} else {
		html_text(h, "Passes: the policy lets through ");
		html_count(h, c->code_bytes - c->covered, "byte");
		html_text(h, " of code that are neither allowed nor declared.");
	}
	html_close(h);
}

static void put_verdict(struct audit_page *p)
{
	const struct audit_report *r = p->r;
	struct html *h = &p->h;

	if (n_unread(r) > 0) {
		html_open_class(h, "p", "verdict doubt");
		html_count(h, n_unread(r), "part");
		html_text(h, " could not be read: nothing is known of what is in there, so that "
			     "this cannot pass.");
		html_close(h);
	}
	if (r->pass && n_unread(r) == 0) {
		put_pass(h, &r->counts);
		return;
	}
	html_open_class(h, "p", "verdict bad");
	html_text(h, "Fails: ");
	html_number(h, n_failed(r));
	html_text(h, " of ");
	html_count(h, r->n_artifacts, "artifact");
	html_text(h, " with something that the policy does not let pass");
	if (n_mismatches(r) > 0) {
		html_text(h, "; what is at the path of ");
		html_count(h, n_mismatches(r), "exception");
		html_text(h, " has another SHA-256");
	}
	html_text(h, ".");
	html_close(h);
}

static void put_cards(struct audit_page *p)
{
	const struct audit_report *r = p->r;
	char share[ROLLUP_PERCENT_LEN];
	struct html *h = &p->h;

	html_open_class(h, "div", "cards");
	html_card(h, r->n_artifacts, "artifact", "with code, or that may hold some");
	html_card(h, n_failed(r), "artifact", "that do not pass");
	html_card(h, r->counts.code_bytes, "byte", "of code");
	html_card(h, audit_foreign(&r->counts), "byte", "foreign, and not declared");
	html_open_class(h, "div", "card");
	html_open_class(h, "span", "big");
	if (r->counts.code_bytes > 0)
		html_fmt(h, "%s %%", rollup_percent(audit_share(&r->counts), share));
	else
		html_text(h, "-");
	html_close(h);
	html_text(h, "coverage");
	html_element(h, "div", "quiet", "allowed or declared");
	html_close(h);
	html_card(h, n_unread(r), "part", "not read");
	html_close(h);
}

static void put_classes(struct audit_page *p)
{
	struct html *h = &p->h;

	html_element(h, "h2", NULL, "What made the code");
	audit_bar(h, &p->r->counts, 720);
	audit_legend(h, &p->r->counts);
	html_open_class(h, "p", "note");
	html_text(h, "The audit is evidence against accidents, not proof against intent: who wants "
		     "to deceive it can make code that looks like Cranelift's. Rebuilding from "
		     "source finds that; docs/audit.md tells what is claimed.");
	html_close(h);
}

/* ---- the policy ----------------------------------------------------------------------------- */

static void put_row(struct html *h, const char *name, const char *text)
{
	html_element(h, "dt", NULL, name);
	html_element(h, "dd", NULL, text);
}

static void put_keys(struct audit_page *p)
{
	const struct policy *policy = p->r->policy;
	char share[ROLLUP_PERCENT_LEN];
	struct html *h = &p->h;
	const char *comma = "";

	html_open(h, "dl");
	html_element(h, "dt", NULL, "file");
	html_open_class(h, "dd", "path");
	if (p->view->policy)
		html_bytes(h, p->view->policy, strlen(p->view->policy));
	else
		html_text(h, "none: Cranelift's code and nothing else");
	html_close(h);
	html_element(h, "dt", NULL, "allowed");
	html_open(h, "dd");
	for (unsigned i = 0; i < N_CODE_CLASSES; i++) {
		if (!policy->allow[i])
			continue;
		html_fmt(h, "%s%s", comma, code_class_name(i));
		comma = ", ";
	}
	html_text(h, *comma ? "" : "nothing");
	html_close(h);
	html_element(h, "dt", NULL, "coverage wanted");
	html_open(h, "dd");
	html_fmt(h, "%s %% of the code of every artifact",
		 rollup_percent(policy->min_coverage, share));
	html_close(h);
	put_row(h, "scripts, WebAssembly", policy->interpreted ? "pass" : "do not pass");
	put_row(h, "containers not opened", policy->opaque ? "pass" : "do not pass");
	put_row(h, "hidden programs", policy->hidden ? "are judged as others" : "do not pass");
	html_close(h);
}

static void put_exception(struct audit_page *p, size_t i)
{
	static const char *const uses[] = {
		[AUDIT_UNUSED] = "unused", [AUDIT_USED] = "used", [AUDIT_MISMATCH] = "other bytes"
	};
	static const char *const tags[] = { [AUDIT_UNUSED] = "tag doubt",
					    [AUDIT_USED] = "tag good",
					    [AUDIT_MISMATCH] = "tag bad" };
	const struct policy_exception *e = &p->r->policy->exceptions[i];
	auto_str struct str hex = { 0 };
	struct html *h = &p->h;

	str_add_hex(&hex, e->sha256, SHA256_LEN);
	html_open(h, "tr");
	html_open(h, "td");
	html_element(h, "span", tags[p->r->uses[i]], uses[p->r->uses[i]]);
	html_close(h);
	html_open_class(h, "td", "num");
	html_number(h, e->place.line);
	html_close(h);
	html_open(h, "td");
	html_open_class(h, "span", "path");
	if (e->is_code)
		html_fmt(h, "code %s%s%s", code_class_name(e->cls), e->name ? " " : "",
			 e->name ? e->name : "");
	else
		html_text(h, e->path ? e->path : "anywhere");
	html_close(h);
	html_open(h, "br");
	html_close(h);
	html_element(h, "span", "path quiet", str_cstr(&hex));
	html_close(h);
	html_element(h, "td", NULL, e->reason);
	html_close(h);
}

static void put_policy(struct audit_page *p)
{
	size_t n = p->r->policy->n_exceptions;
	size_t shown = n < EXCEPTIONS_SHOWN ? n : EXCEPTIONS_SHOWN;
	struct html *h = &p->h;

	html_element(h, "h2", NULL, "The policy");
	put_keys(p);
	if (n == 0)
		return;
	html_element(h, "h3", NULL, "Exceptions");
	html_open_class(h, "div", "scroll");
	html_open(h, "table");
	html_open(h, "tr");
	html_element(h, "th", NULL, "use");
	html_element(h, "th", "num", "line");
	html_element(h, "th", NULL, "what, and its SHA-256");
	html_element(h, "th", NULL, "reason");
	html_close(h);
	for (size_t i = 0; i < shown; i++)
		put_exception(p, i);
	html_close(h);
	html_close(h);
	if (n == shown)
		return;
	html_open_class(h, "p", "note loud");
	html_count(h, n - shown, "more exception");
	html_text(h, " not shown here; --json has all.");
	html_close(h);
}

/* ---- what was not read ---------------------------------------------------------------------- */

static void put_unread(struct audit_page *p)
{
	const struct audit_report *r = p->r;
	size_t shown = r->n_unread < UNREAD_SHOWN ? r->n_unread : UNREAD_SHOWN;
	struct html *h = &p->h;

	html_element(h, "h2", NULL, "What was not read");
	if (n_unread(r) == 0) {
		html_element(h, "p", NULL, "Everything was.");
		return;
	}
	html_open(h, "dl");
	for (size_t i = 0; i < shown; i++) {
		html_open_class(h, "dt", "path");
		audit_path(p, r->unread[i].path);
		html_close(h);
		html_open(h, "dd");
		html_text(h, r->unread[i].text);
		if (r->unread[i].code)
			html_fmt(h, " [%s]", r->unread[i].code);
		html_close(h);
	}
	html_close(h);
	if (n_unread(r) == shown)
		return;
	html_open_class(h, "p", "note loud");
	html_count(h, n_unread(r) - shown, "more part");
	html_text(h, " not shown here.");
	html_close(h);
}

/* ---- tables of artifacts -------------------------------------------------------------------- */

static void put_number_cell(struct html *h, uint64_t n)
{
	html_open_class(h, "td", "num");
	html_number(h, n);
	html_close(h);
}

static void put_artifact(struct audit_page *p, const struct audit_artifact *a)
{
	size_t i = (size_t)(a - p->r->artifacts);
	char share[ROLLUP_PERCENT_LEN];
	struct html *h = &p->h;

	html_open(h, "tr");
	html_open(h, "td");
	html_element(h, "span", a->pass ? "tag good" : "tag bad", a->pass ? "pass" : "FAIL");
	html_close(h);
	html_element(h, "td", NULL, audit_verdict_name(a->verdict));
	html_open(h, "td");
	audit_bar(h, &a->counts, 180);
	html_text(h, a->counts.code_bytes == 0 ? a->format : "");
	html_close(h);
	put_number_cell(h, a->counts.code_bytes);
	put_number_cell(h, audit_foreign(&a->counts));
	html_element(h, "td", "num",
		     a->counts.code_bytes ? rollup_percent(audit_share(&a->counts), share) : "-");
	html_open_class(h, "td", "path");
	if (p->detailed[i]) {
		html_open(h, "a");
		html_attr_fmt(h, "href", "#a%zu", i);
	}
	audit_path(p, a->paths[0]);
	if (p->detailed[i])
		html_close(h);
	if (a->n_paths > 1)
		html_fmt(h, " (+%zu)", a->n_paths - 1);
	html_text(h, a->hidden ? " (hidden)" : "");
	html_close(h);
	html_close(h);
}

static void put_orders(struct html *h, const struct order *now)
{
	html_open(h, "p");
	html_text(h, "Sorted by ");
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		html_text(h, i ? " \xc2\xb7 " : "");
		if (&orders[i] == now) {
			html_element(h, "b", NULL, now->title);
			continue;
		}
		html_open(h, "a");
		html_attr_fmt(h, "href", "#%s", orders[i].id);
		html_text(h, orders[i].title);
		html_close(h);
	}
	html_close(h);
}

static void put_table(struct audit_page *p, const struct order *order,
		      const struct audit_artifact **list)
{
	static const char *const heads[] = { "",        "verdict", "classes", "bytes",
					     "foreign", "% ok",    "path" };
	size_t n = p->r->n_artifacts, shown = n < ROWS_SHOWN ? n : ROWS_SHOWN;
	struct html *h = &p->h;

	qsort(list, n, sizeof(const struct audit_artifact *), order->compare);
	html_open_class(h, "section", order == orders ? "sorted first" : "sorted");
	html_attr(h, "id", order->id);
	put_orders(h, order);
	html_open_class(h, "div", "scroll");
	html_open(h, "table");
	html_open(h, "tr");
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		html_element(h, "th", i >= 3 && i <= 5 ? "num" : NULL, heads[i]);
	html_close(h);
	for (size_t i = 0; i < shown; i++)
		put_artifact(p, list[i]);
	html_close(h);
	html_close(h);
	if (n > shown) {
		html_open_class(h, "p", "note loud");
		html_count(h, n - shown, "more artifact");
		html_text(h, " not shown in this table; the numbers above count all, --json has "
			     "all.");
		html_close(h);
	}
	html_close(h);
}

/* The first order comes last: only what comes before can be asked by the stylesheet. */
static int put_tables(struct audit_page *p, struct rimg_error *err)
{
	size_t n = p->r->n_artifacts;
	auto_free const struct audit_artifact **list =
		calloc(n + 1, sizeof(const struct audit_artifact *));

	if (!list)
		return error_nomem(err);
	for (size_t i = 0; i < n; i++)
		list[i] = &p->r->artifacts[i];
	html_element(&p->h, "h2", NULL, "Artifacts");
	for (size_t i = ARRAY_LEN(orders); i-- > 0;)
		put_table(p, &orders[i], list);
	return 0;
}

/* ---- the page ------------------------------------------------------------------------------- */

static const char page_style[] =
	".sorted{display:none;scroll-margin-top:1rem}.sorted.first,.sorted:target{display:block;"
	"outline:none}.sorted:target~.first{display:none}\n"
	"@media print{.sorted{display:none}.sorted.first{display:block}}\n"
	".sorted td.path{min-width:15rem}\n"
	/* the path counts more than what is also said of each artifact below */
	"@media(max-width:40rem){.sorted th:nth-child(3),.sorted td:nth-child(3),"
	".sorted th:nth-child(5),.sorted td:nth-child(5){display:none}"
	".sorted td.path{min-width:9rem}}\n"
	".key{white-space:nowrap}.key svg{display:inline-block;vertical-align:-2px;margin-right:.4em}\n"
	".code{font:.85em/1.45 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
	".code td{white-space:nowrap;border:0}\n"
	".artifact{border-top:1px solid var(--line);padding:.25rem 0}\n";

/* Made before the tables, which lead to what has found room. */
static int make_details(struct audit_page *p, struct str *ret, struct rimg_error *err)
{
	int rc;

	p->h = (struct html){ .out = capture_open(ret) };
	if (!p->h.out)
		return error_nomem(err);
	rc = audit_put_details(p, err);
	if (capture_close(p->h.out, rc < 0 ? NULL : err) < 0)
		return rc < 0 ? rc : -RIMG_E_NOMEM;
	return rc;
}

static void put_left(struct audit_page *p)
{
	struct html *h = &p->h;

	if (p->n_left == 0)
		return;
	html_open_class(h, "p", "note loud");
	html_count(h, p->n_left, "artifact");
	html_text(h,
		  " not shown closer, to keep this page small: the last ones in the order of the "
		  "verdict. The numbers above count all; --json --functions has all.");
	html_close(h);
}

static int write_page(struct audit_page *p, FILE *out, const struct str *details,
		      struct rimg_error *err)
{
	auto_str struct str css = { 0 };
	struct html *h = &p->h;
	int rc;

	str_add(&css, page_style);
	str_add(&css, audit_bar_style);
	rc = css.failed ? error_nomem(err)
			: html_page(h, out, "rimg verify audit", str_cstr(&css), err);
	if (rc < 0)
		return rc;
	html_open_class(h, "div", "page");
	put_title(p);
	put_verdict(p);
	put_cards(p);
	put_classes(p);
	if (n_unread(p->r) > 0)
		put_unread(p);
	rc = put_tables(p, err);
	html_element(h, "h2", NULL, "Each artifact");
	html_insert(h, str_cstr(details), details->len);
	put_left(p);
	put_policy(p);
	if (n_unread(p->r) == 0)
		put_unread(p);
	html_element(h, "h2", NULL, "The rules");
	audit_put_rules(h);
	if (p->view->sandbox)
		html_element(h, "p", NULL, sandbox_words(p->view->sandbox));
	html_page_end(h);
	return rc;
}

int audit_write_html(const struct audit_report *r, const struct audit_view *view, FILE *out,
		     struct rimg_error *err)
{
	auto_free bool *detailed = calloc(r->n_artifacts + 1, sizeof(*detailed));
	struct audit_page p = { .r = r, .view = view, .detailed = detailed };
	auto_str struct str details = { 0 };
	int rc;

	if (!detailed)
		return error_nomem(err);
	rc = make_details(&p, &details, err);
	return rc < 0 ? rc : write_page(&p, out, &details, err);
}
