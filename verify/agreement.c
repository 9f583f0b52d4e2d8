/* SPDX-License-Identifier: MIT */
#include "verify/agreement.h"

#include <assert.h>
#include <string.h>

const char *standing_name(enum standing standing)
{
	switch (standing) {
	case STANDING_COUNTS: return "counts";
	case STANDING_REPEATED: return "repeated";
	case STANDING_DISSENTS: return "dissents";
	case STANDING_CONTRADICTS: return "contradicts";
	case STANDING_OTHER: return "other";
	}
	return "unknown";
}

static bool same_build(const struct vote *a, const struct vote *b)
{
	return memcmp(a->statement->definition, b->statement->definition, SHA256_LEN) == 0;
}

/* The first pass: only what a vote says by itself. */
static void set_subjects(struct vote *votes, size_t n, const uint8_t image[SHA256_LEN])
{
	for (size_t i = 0; i < n; i++) {
		struct vote *v = &votes[i];

		v->subject = statement_subject(v->statement, image);
		v->covers = v->subject != NULL;
		v->standing = v->covers ? STANDING_COUNTS : STANDING_DISSENTS;
	}
}

/* What a vote for other bytes says about the image, if another vote tells what it is called. */
static void set_other_subject(struct vote *votes, size_t n, struct vote *v)
{
	v->subject = NULL;
	v->standing = STANDING_OTHER;
	for (size_t i = 0; i < n && v->standing == STANDING_OTHER; i++) {
		const struct subject *theirs = votes[i].subject;

		if (!votes[i].covers || !same_build(&votes[i], v))
			continue;
		assert(theirs);
		v->standing = STANDING_DISSENTS;
		v->subject = theirs->name[0] ? statement_named(v->statement, theirs->name) : NULL;
	}
	if (!v->subject)
		v->subject = &v->statement->subjects[0];
}

/* A key that has signed both these and other bytes for one build. */
static void find_contradictions(struct vote *votes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (votes[i].key == votes[k].key && same_build(&votes[i], &votes[k]) &&
			    votes[i].covers != votes[k].covers)
				votes[i].standing = STANDING_CONTRADICTS;
}

static void find_repeated(struct vote *votes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i && votes[i].standing == STANDING_COUNTS; k++)
			if (votes[k].standing == STANDING_COUNTS && votes[k].key == votes[i].key &&
			    same_build(&votes[k], &votes[i]))
				votes[i].standing = STANDING_REPEATED;
}

static void count_for(const struct vote *votes, size_t n, struct agreement *a)
{
	for (size_t i = 0; i < n; i++) {
		size_t keys = 0;

		for (size_t k = 0; k < n && votes[i].standing == STANDING_COUNTS; k++)
			keys += votes[k].standing == STANDING_COUNTS &&
				same_build(&votes[k], &votes[i]);
		if (keys > a->n_keys) {
			a->n_keys = keys;
			a->best = &votes[i];
		}
	}
}

/* Is it the first vote of its key for these other bytes? */
static bool is_first_against(const struct vote *votes, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (votes[k].key == votes[i].key && same_build(&votes[k], &votes[i]) &&
		    memcmp(votes[k].subject->sha256, votes[i].subject->sha256, SHA256_LEN) == 0)
			return false;
	return true;
}

/* The keys that stand behind certain other bytes. A key that contradicts itself is among them: here
 * counting too many is the safe side. */
static void count_against(const struct vote *votes, size_t n, const bool *first, size_t threshold,
			  struct agreement *a)
{
	for (size_t i = 0; i < n; i++) {
		size_t keys = 0;

		if (!first[i] || votes[i].covers)
			continue;
		for (size_t k = 0; k < n; k++)
			keys += first[k] && same_build(&votes[k], &votes[i]) &&
				memcmp(votes[k].subject->sha256, votes[i].subject->sha256,
				       SHA256_LEN) == 0;
		if (keys > a->n_against) {
			a->n_against = keys;
			a->against = &votes[i];
		}
		if (keys >= threshold && votes[i].standing != STANDING_OTHER)
			a->conflict = true;
	}
}

struct agreement agreement_find(struct vote *votes, size_t n, const uint8_t image[SHA256_LEN],
				size_t threshold)
{
	struct agreement a = { 0 };
	bool first[AGREEMENT_VOTES_MAX];

	set_subjects(votes, n, image);
	for (size_t i = 0; i < n; i++)
		if (!votes[i].covers)
			set_other_subject(votes, n, &votes[i]);
	for (size_t i = 0; i < n; i++)
		first[i] = is_first_against(votes, i);
	find_contradictions(votes, n);
	find_repeated(votes, n);
	count_for(votes, n, &a);
	count_against(votes, n, first, threshold, &a);
	a.agreed = threshold > 0 && a.n_keys >= threshold && !a.conflict;
	return a;
}
