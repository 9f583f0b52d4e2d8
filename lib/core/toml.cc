/* SPDX-License-Identifier: MIT */

/* The only C++ here: it lets toml++ parse, and hands on what comes out as values of json-c. No
 * exception leaves it. */

#include <cmath>
#include <string_view>

#include <toml++/toml.h>

/* C lets a function and a struct share a name */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "core/toml.h"
#include "core/error.h"
#include "core/str.h"
}
#pragma GCC diagnostic pop

namespace
{

struct job {
	struct arena *a;
	const char *name;
	struct rimg_error *err;
	bool fractions;
};

json_place place_of(const job &j, const toml::source_region &region)
{
	json_place place = {};

	place.file = j.name;
	place.line = region.begin.line;
	place.column = region.begin.column;
	return place;
}

json_object *refuse(const job &j, const json_place &at, int code, const char *what)
{
	json_error(j.err, code, at, "%s", what);
	return nullptr;
}

json_object *convert(const job &j, const toml::node &node, const json_place &at, unsigned depth);

/* Takes @member over. A key names its place better than its value does: a value may begin lines
 * later. */
bool add_member(const job &j, json_object *table, const toml::key &key, const toml::node &node,
		unsigned depth)
{
	json_place at = place_of(j, key.source().begin.line > 0 ? key.source() : node.source());
	std::string_view name = key.str();

	if (name.find('\0') != name.npos)
		return refuse(j, at, RIMG_E_BAD, "a key with a NUL");
	json_object *member = convert(j, node, at, depth + 1);
	if (!member)
		return false;
	auto kept = static_cast<const char *>(arena_copy(j.a, name.data(), name.size()));
	if (!kept) {
		json_object_put(member);
		return error_nomem(j.err) == 0;
	}
	return json_add(table, kept, member, j.err) == 0;
}

json_object *convert_table(const job &j, const toml::table &table, unsigned depth)
{
	json_object *value = json_object_new_object();

	if (!value)
		error_nomem(j.err);
	for (auto it = table.begin(); value && it != table.end(); ++it) {
		if (!add_member(j, value, it->first, it->second, depth)) {
			json_object_put(value);
			value = nullptr;
		}
	}
	return value;
}

json_object *convert_list(const job &j, const toml::array &list, unsigned depth)
{
	json_object *value = json_object_new_array();

	if (!value)
		error_nomem(j.err);
	for (auto it = list.begin(); value && it != list.end(); ++it) {
		json_object *member = convert(j, *it, place_of(j, it->source()), depth + 1);

		if (!member || json_append(value, member, j.err) < 0) {
			json_object_put(value);
			value = nullptr;
		}
	}
	return value;
}

json_object *convert_scalar(const job &j, const toml::node &node, const json_place &at)
{
	json_object *value = nullptr;

	if (auto text = node.as_string())
		value = json_object_new_string_len(text->get().data(),
						   static_cast<int>(text->get().size()));
	else if (auto number = node.as_integer())
		value = json_object_new_int64(number->get());
	else if (auto boolean = node.as_boolean())
		value = json_object_new_boolean(boolean->get());
	else if (j.fractions && node.is_floating_point() && std::isfinite(*node.value<double>()))
		value = json_object_new_double(*node.value<double>());
	else if (node.is_floating_point())
		return refuse(
			j, at, RIMG_E_BAD,
			j.fractions
				? "neither infinity nor what is not a number is known here"
				: "a number with a fraction or an exponent: only integers are known here");
	else
		return refuse(
			j, at, RIMG_E_BAD,
			"a date or a time: these are not known here; a text stands in quotes");
	if (!value)
		error_nomem(j.err);
	return value;
}

/* @depth: tables and lists that the value lies in, the text's own table among them */
json_object *convert(const job &j, const toml::node &node, const json_place &at, unsigned depth)
{
	json_object *value;

	if (!node.is_value() && depth >= JSON_DEPTH_MAX)
		return refuse(j, at, RIMG_E_LIMIT,
			      "more than 64 tables and lists inside one another");
	if (auto table = node.as_table())
		value = convert_table(j, *table, depth);
	else if (auto list = node.as_array())
		value = convert_list(j, *list, depth);
	else
		value = convert_scalar(j, node, at);
	if (value && !json_set_place(j.a, value, at)) {
		json_object_put(value);
		value = nullptr;
		error_nomem(j.err);
	}
	return value;
}

int parse(const job &j, std::string_view text, json_object **ret)
{
	toml::table table = toml::parse(text);
	json_object *value = convert(j, table, place_of(j, table.source()), 0);

	if (!value)
		return -1;
	if (json_keep(j.a, value, j.err) < 0)
		return -RIMG_E_NOMEM;
	*ret = value;
	return 0;
}

/* A number that there was no memory to look at is no number to the parser's streams: what it
 * refuses it refuses twice. */
int parse_again(const job &j, std::string_view text, json_object **ret)
{
	try {
		return parse(j, text, ret);
	} catch (const toml::parse_error &) {
	}
	return parse(j, text, ret);
}

/* The parser's words name characters of the text. */
int parse_failed(const job &j, const toml::parse_error &e)
{
	struct str shown = {};
	int r;

	str_add_escaped(&shown, e.description().data(), e.description().size(), STR_ESCAPE_TEXT);
	r = json_error(j.err, RIMG_E_BAD, place_of(j, e.source()), "%s", str_cstr(&shown));
	str_done(&shown);
	return r;
}

int read(struct arena *a, std::string_view text, const char *name, bool fractions,
	 struct json_object **ret, struct rimg_error *err)
{
	struct rimg_error unused;
	job j = { a, static_cast<const char *>(arena_copy(a, name, strlen(name))),
		  err ? err : &unused, fractions };
	int r;

	if (!j.name)
		return error_nomem(err);
	r = toml_check(text.data(), text.size(), j.name, j.err);
	if (r < 0)
		return r;
	try {
		return parse_again(j, text, ret) < 0 ? -j.err->code : 0;
	} catch (const toml::parse_error &e) {
		return parse_failed(j, e);
	} catch (const std::bad_alloc &) {
		return error_nomem(err);
	} catch (...) {
		return error_set(err, RIMG_E_INTERNAL, j.name, "the TOML parser gave up");
	}
}

} // namespace

int toml_read(struct arena *a, const char *text, size_t len, const char *name,
	      struct json_object **ret, struct rimg_error *err)
{
	return read(a, std::string_view(text, len), name, false, ret, err);
}

int toml_read_fractions(struct arena *a, const char *text, size_t len, const char *name,
			struct json_object **ret, struct rimg_error *err)
{
	return read(a, std::string_view(text, len), name, true, ret, err);
}
