/* SPDX-License-Identifier: MIT */
#include "core/findings.h"

#include <stddef.h>
#include <string.h>

#include "core/num.h"

/* made by make from the rows of docs/findings.md, sorted by code */
static const struct {
	const char *code;
	const char *text;
} rows[] = {
#include "findings.inc"
};

const char *finding_text(const char *code)
{
	size_t lo = 0, hi = ARRAY_LEN(rows);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(rows[mid].code, code);

		if (order == 0)
			return rows[mid].text;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}
