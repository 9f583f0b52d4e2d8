/* SPDX-License-Identifier: MIT */
/* Pages: what is untrusted can neither end a text nor an attribute, and comes back as it was. */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "core/html.h"
#include "core/str.h"

struct written {
	struct html h;
	char *text;
	size_t len;
};

/* A writer without a page around it. */
static void begin(struct written *w)
{
	*w = (struct written){ 0 };
	w->h.out = open_memstream(&w->text, &w->len);
	assert_non_null(w->h.out);
}

static void check(struct written *w, const char *expected)
{
	uint64_t counted = w->h.len;

	assert_int_equal(w->h.depth, 0);
	assert_int_equal(fclose(w->h.out), 0);
	assert_string_equal(w->text, expected);
	assert_int_equal(counted, w->len);
	free(w->text);
}

static void text_cannot_become_markup(void **unused)
{
	struct written w;

	(void)unused;
	begin(&w);
	html_element(&w.h, "b", "x", "<script>\"&'</b>");
	check(&w, "<b class=\"x\">&lt;script&gt;&quot;&amp;&#39;&lt;/b&gt;</b>");
}

static void attributes_cannot_be_left(void **unused)
{
	struct written w;

	(void)unused;
	begin(&w);
	html_open(&w.h, "i");
	html_attr(&w.h, "title", "\" onload='x' <\n>\x01");
	html_attr(&w.h, "hidden", NULL);
	html_attr_u64(&w.h, "n", UINT64_MAX);
	html_close(&w.h);
	check(&w, "<i title=\"&quot; onload=&#39;x&#39; &lt;\\n&gt;\\x01\" hidden "
		  "n=\"18446744073709551615\"></i>");
}

static void bytes_are_escaped_so_that_it_can_be_undone(void **unused)
{
	static const char name[] = "a\\b\xff\0\x1b[1m\n\xe2\x80\xae\xc3\xa9";
	struct written w;
	size_t len;
	char *back;

	(void)unused;
	begin(&w);
	html_bytes(&w.h, name, sizeof(name) - 1);
	fflush(w.h.out);
	back = str_unescape(w.text, w.len, &len);
	assert_non_null(back);
	assert_int_equal(len, sizeof(name) - 1);
	assert_memory_equal(back, name, len);
	free(back);
	check(&w, "a\\\\b\\xff\\x00\\x1b[1m\\n\\xe2\\x80\\xae\xc3\xa9");
}

static void what_is_harmless_does_not_change(void **unused)
{
	struct written w;

	(void)unused;
	begin(&w);
	html_text(&w.h, "a\\xff \\\\ \xc3\xa9");
	html_text(&w.h, "\x80\n");
	check(&w, "a\\xff \\\\ \xc3\xa9\\x80\\n");
}

static void lines_keep_their_ends_alone(void **unused)
{
	struct written w;

	(void)unused;
	begin(&w);
	html_open(&w.h, "code");
	html_lines(&w.h, "a\tb\nc\r\x1b<", 8);
	html_close(&w.h);
	check(&w, "<code>a\tb\nc\\r\\x1b&lt;</code>");
}

static void numbers_are_grouped_in_threes(void **unused)
{
	static const uint64_t numbers[] = { 0, 999, 1000, 123456, 1234567, UINT64_MAX };
	struct written w;

	(void)unused;
	begin(&w);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		html_number(&w.h, numbers[i]);
		html_text(&w.h, " ");
	}
	html_count(&w.h, 1, "byte");
	html_text(&w.h, " ");
	html_count(&w.h, 1000, "byte");
	check(&w, "0 999 1,000 123,456 1,234,567 18,446,744,073,709,551,615 1 byte 1,000 bytes");
}

static void elements_without_content_have_no_end(void **unused)
{
	struct written w;

	(void)unused;
	begin(&w);
	html_open(&w.h, "b");
	html_open(&w.h, "br");
	html_close(&w.h);
	html_open(&w.h, "circle");
	html_attr_fmt(&w.h, "r", "%d.%d", 1, 5);
	html_close(&w.h);
	html_close(&w.h);
	check(&w, "<b><br><circle r=\"1.5\"></circle></b>");
}

/* ---- pages ---------------------------------------------------------------------------------- */

static char *make_page(const char *css)
{
	struct rimg_error err;
	struct html h;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(html_page(&h, out, "<title> \xff", css, &err), 0);
	html_open(&h, "p");
	html_text(&h, "text");
	html_page_end(&h);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void the_policy_allows_this_stylesheet_alone(void **unused)
{
	char *page = make_page(".x{color:red}"), *from, *until;
	unsigned char digest[SHA256_DIGEST_LENGTH], base64[64];
	char want[256];

	(void)unused;
	from = strstr(page, "<style>");
	until = strstr(page, "</style>");
	assert_non_null(from);
	assert_non_null(until);
	from += strlen("<style>");
	assert_memory_equal(until - strlen(".x{color:red}"), ".x{color:red}", 13);
	SHA256((unsigned char *)from, (size_t)(until - from), digest);
	EVP_EncodeBlock(base64, digest, sizeof(digest));
	snprintf(want, sizeof(want),
		 "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		 "'sha256-%s'; base-uri 'none'; form-action 'none'\">",
		 (char *)base64);
	assert_non_null(strstr(page, want));
	/* the policy comes before what it is about */
	assert_true(strstr(page, want) < from);
	free(page);
}

static void pages_are_whole_and_the_same_again(void **unused)
{
	char *page = make_page(NULL), *again = make_page(NULL);

	(void)unused;
	assert_string_equal(page, again);
	assert_true(strncmp(page, "<!DOCTYPE html>\n<html lang=\"en\"><head>\n", 38) == 0);
	assert_non_null(strstr(page, "<title>&lt;title&gt; \\xff</title>"));
	assert_non_null(strstr(page, "<p>text</p></body></html>\n"));
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "http:"));
	assert_null(strstr(page, "https:"));
	assert_null(strstr(page, "style="));
	free(page);
	free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_cannot_become_markup),
		cmocka_unit_test(attributes_cannot_be_left),
		cmocka_unit_test(bytes_are_escaped_so_that_it_can_be_undone),
		cmocka_unit_test(what_is_harmless_does_not_change),
		cmocka_unit_test(lines_keep_their_ends_alone),
		cmocka_unit_test(numbers_are_grouped_in_threes),
		cmocka_unit_test(elements_without_content_have_no_end),
		cmocka_unit_test(the_policy_allows_this_stylesheet_alone),
		cmocka_unit_test(pages_are_whole_and_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
