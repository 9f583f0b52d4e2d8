/* SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "build/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A manifest in memory. Includes are left out: they would read files of the host. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct manifest m = { 0 };

	if (memmem(data, len, "incl", 4) || memchr(data, '\\', len))
		return 0;
	if (manifest_load_text((const char *)data, len, "none/m.toml", NULL, &m, NULL) == 0 &&
	    m.size % MANIFEST_SECTOR != 0)
		abort();
	manifest_done(&m);
	return 0;
}
