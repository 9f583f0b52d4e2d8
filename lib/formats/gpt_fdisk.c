/* SPDX-License-Identifier: MIT */
#include "formats/gpt_table.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdisk.h>
#include <strings.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"

/* A second reader of the same table: libfdisk. It takes the backup silently when the primary is
 * broken and knows host files only, so it is no reader of ours, but two readers that see different
 * partitions are news. */

static void cleanup_context(struct fdisk_context **cxt)
{
	fdisk_unref_context(*cxt);
}

static void cleanup_table(struct fdisk_table **table)
{
	fdisk_unref_table(*table);
}

/* libfdisk asks and tells through this: it must do neither */
static int stay_silent(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	(void)cxt;
	(void)ask;
	(void)data;
	return 0;
}

static void add_guid(struct str *s, const uint8_t guid[16])
{
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			str_add_char(s, '-');
		str_add_hex(s, guid + i, 1);
	}
}

static void disagree(struct rimg_layer *l, const struct gpt_part *p, const char *what,
		     const char *ours, const char *theirs)
{
	layer_finding(l, SEVERITY_ERROR, "gpt.readers-disagree", p->node, 0, 0,
		      "expected libfdisk to see the same %s %s of partition %" PRIu32
		      ", found that it sees %s",
		      what, ours, p->number, theirs ? theirs : "none");
}

static void compare_guid(struct rimg_layer *l, const struct gpt_part *p, const char *what,
			 const uint8_t ours[16], const char *theirs)
{
	auto_str struct str s = { 0 };

	add_guid(&s, ours);
	if (!theirs || strcasecmp(str_cstr(&s), theirs) != 0)
		disagree(l, p, what, str_cstr(&s), theirs);
}

static void compare_lba(struct rimg_layer *l, const struct gpt_part *p, const char *what,
			uint64_t ours, uint64_t theirs)
{
	char a[32], b[32];

	if (ours == theirs)
		return;
	snprintf(a, sizeof(a), "%" PRIu64, ours);
	snprintf(b, sizeof(b), "%" PRIu64, theirs);
	disagree(l, p, what, a, b);
}

static void compare_name(struct rimg_layer *l, const struct gpt_part *p, const char *theirs)
{
	char ours[GPT_NAME_MAX + 1];
	bool ok;

	if (!p->name_ok)
		return;
	gpt_entry_name(&p->entry, ours, &ok);
	if (strcmp(ours, theirs ? theirs : "") != 0)
		layer_finding(l, SEVERITY_ERROR, "gpt.readers-disagree", p->node, 0, 0,
			      "expected libfdisk to see the same name of partition %" PRIu32
			      ", found that it sees another",
			      p->number);
}

static void compare_part(struct rimg_layer *l, const struct gpt_part *p, struct fdisk_table *table)
{
	struct fdisk_partition *pa =
		table ? fdisk_table_get_partition_by_partno(table, p->number - 1) : NULL;
	struct fdisk_parttype *type = pa ? fdisk_partition_get_type(pa) : NULL;

	if (!pa) {
		disagree(l, p, "LBAs", "", NULL);
		return;
	}
	compare_lba(l, p, "first LBA", p->entry.first_lba,
		    fdisk_partition_has_start(pa) ? fdisk_partition_get_start(pa) : 0);
	compare_lba(l, p, "last LBA", p->entry.last_lba,
		    fdisk_partition_has_end(pa) ? fdisk_partition_get_end(pa) : 0);
	compare_guid(l, p, "type", p->entry.type, type ? fdisk_parttype_get_string(type) : NULL);
	compare_guid(l, p, "unique GUID", p->entry.unique, fdisk_partition_get_uuid(pa));
	compare_name(l, p, fdisk_partition_get_name(pa));
}

static void compare_tables(struct rimg_layer *l, const struct gpt_info *info,
			   struct fdisk_table *table)
{
	size_t n = table ? fdisk_table_get_nents(table) : 0;

	for (size_t i = 0; i < info->n_parts; i++)
		compare_part(l, &info->parts[i], table);
	if (n > info->n_parts)
		layer_finding(l, SEVERITY_ERROR, "gpt.readers-disagree", NULL, 0, 0,
			      "expected libfdisk to see %zu partitions, found that it sees %zu",
			      info->n_parts, n);
}

/* Its partitions; NULL where it sees no such table, or could not read. */
static int ask_fdisk(struct rimg_layer *l, const struct gpt_info *info, struct fdisk_table **ret,
		     struct rimg_error *err)
{
	auto_with(cleanup_context) struct fdisk_context *cxt = fdisk_new_context();
	int rc;

	if (!cxt)
		return error_nomem(err);
	fdisk_set_ask(cxt, stay_silent, NULL);
	fdisk_disable_dialogs(cxt, 1);
	fdisk_enable_listonly(cxt, 1); /* no look for other file systems, no warnings */
	fdisk_save_user_sector_size(cxt, info->sector, info->sector);
	rc = fdisk_assign_device_by_fd(cxt, source_fd(l->src), source_name(l->src), 1);
	if (rc == 0 && fdisk_is_labeltype(cxt, FDISK_DISKLABEL_GPT))
		rc = fdisk_get_partitions(cxt, ret);
	return rc == -ENOMEM ? error_nomem(err) : 0;
}

int gpt_check_fdisk(struct rimg_layer *l, const struct gpt_info *info, struct rimg_error *err)
{
	auto_with(cleanup_table) struct fdisk_table *table = NULL;
	int rc = 0;

	if (source_fd(l->src) < 0)
		return 0;
	/* it does not tell a read that failed from a table that is not there: only what it does not
	 * see again is not there */
	for (int i = 0; i < 2 && rc == 0 && !table; i++)
		rc = ask_fdisk(l, info, &table, err);
	if (rc < 0)
		return rc;
	if (!table) {
		layer_finding(l, SEVERITY_ERROR, "gpt.readers-disagree", NULL, 0, 0,
			      "expected libfdisk to see a GUID partition table too, found that it "
			      "sees none");
		return 0;
	}
	compare_tables(l, info, table);
	return 0;
}
