/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H

/* What every test program includes, and includes first. The only file that includes cmocka.
 *
 * Test programs run from the project's root. Golden images lie unpacked in TEST_GOLDEN
 * (`make golden`); the program under test, if a test needs it, is TEST_RIMG. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
