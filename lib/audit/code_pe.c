/* SPDX-License-Identifier: MIT */
#include "audit/code_file.h"

#include <stdlib.h>

#include "core/num.h"
#include "formats/pe.h"

/* Code of PE programs: the sections that are executable. Facts: docs/formats/pe.md. */

enum {
	MACHINE_ARM64 = 0xAA64,
	MACHINE_AMD64 = 0x8664,
	MACHINE_RISCV64 = 0x5064,
	SCN_CODE = 0x20,
	PE_ENTRY_OFF = 16, /* in the optional header */
};

static enum code_arch arch_of(uint16_t machine)
{
	switch (machine) {
	case MACHINE_ARM64: return CODE_A64;
	case MACHINE_AMD64: return CODE_X86_64;
	case MACHINE_RISCV64: return CODE_RISCV64;
	default: return CODE_OTHER;
	}
}

struct section {
	uint64_t off, addr, len;
};

static int by_off(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->len > y->len ? -1 : x->len < y->len;
}

/* What the optional header says besides: the linker's version, a checksum of its tools. */
static void note_producer(struct code_file *f, struct rd optional, uint32_t lfanew)
{
	struct rd stub = code_rd(f, PE_DOS_LEN, lfanew > PE_DOS_LEN ? lfanew - PE_DOS_LEN : 0);
	const uint8_t *p = rd_bytes(&stub, rd_left(&stub));
	uint8_t major, minor;
	bool rich;

	rd_skip(&optional, 2);
	major = rd_u8(&optional);
	minor = rd_u8(&optional);
	rich = p && memmem(p, stub.len, "Rich", 4);
	if (!optional.failed)
		code_note(f, "linker version %u.%u, %s", major, minor,
			  rich ? "with a Rich header, which Microsoft's linker writes"
			       : "without a Rich header");
}

static void add_sections(struct code_file *f, struct rd headers, uint16_t n)
{
	uint64_t end = 0;
	struct section *found = arena_array(f->arena, (size_t)n + 1, sizeof(*found));
	size_t n_found = 0;

	if (!found) {
		f->nomem = true;
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		uint32_t vaddr, size, off, flags;

		rd_skip(&headers, 12);
		vaddr = rd_le32(&headers);
		size = rd_le32(&headers);
		off = rd_le32(&headers);
		rd_skip(&headers, 12);
		flags = rd_le32(&headers);
		if (headers.failed) {
			code_odd(f, ODD_BAD_HEADERS, headers.origin);
			break;
		}
		if (!(flags & (PE_SCN_EXECUTE | SCN_CODE)))
			continue;
		if (!num_in_range(off, size, f->len))
			code_odd(f, ODD_REGION_CUT, off);
		if (off < f->len && size > 0)
			found[n_found++] =
				(struct section){ off, vaddr, num_min(size, f->len - off) };
	}
	if (n_found > 0)
		qsort(found, n_found, sizeof(*found), by_off);
	for (size_t i = 0; i < n_found; i++) {
		struct section s = found[i];
		uint64_t taken = s.off < end ? num_min(end - s.off, s.len) : 0;
		struct code_region *r;
		struct code_map *m;

		if (taken > 0)
			code_odd(f, ODD_REGION_OVERLAP, s.off);
		if (taken == s.len)
			continue;
		r = code_add(f, (void **)&f->regions, &f->cap_regions, &f->n_regions,
			     sizeof(*f->regions));
		m = code_add(f, (void **)&f->maps, &f->cap_maps, &f->n_maps, sizeof(*f->maps));
		if (!r || !m)
			return;
		*r = (struct code_region){ .off = s.off + taken,
					   .addr = s.addr + taken,
					   .len = s.len - taken,
					   .section = i };
		*m = (struct code_map){ r->addr, r->off, r->len };
		end = s.off + s.len;
	}
}

static int by_addr(const void *a, const void *b)
{
	const struct code_map *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* Firmware may map all sections so that they can be executed: what begins elsewhere is code, too.
 */
static void check_entry(struct code_file *f, struct rd optional)
{
	uint64_t off, left;
	uint32_t entry;

	rd_seek(&optional, PE_ENTRY_OFF);
	entry = rd_le32(&optional);
	if (optional.failed || entry == 0)
		return;
	if (!code_offset(f, entry, &off, &left))
		code_odd(f, ODD_ENTRY, optional.origin + PE_ENTRY_OFF);
}

void code_pe_read(struct code_file *f)
{
	struct rd r = code_rd(f, 0, f->len), optional;
	uint32_t lfanew;
	uint16_t machine, n_sections, optional_len;
	const uint8_t *signature;

	f->format = "pe";
	f->arch = CODE_OTHER;
	rd_seek(&r, PE_LFANEW_OFF);
	lfanew = rd_le32(&r);
	rd_seek(&r, lfanew);
	signature = rd_bytes(&r, PE_SIGNATURE_LEN);
	if (!signature || memcmp(signature, PE_SIGNATURE, PE_SIGNATURE_LEN) != 0) {
		code_odd(f, ODD_BAD_HEADERS, PE_LFANEW_OFF);
		code_opaque_rest(f);
		return;
	}
	machine = rd_le16(&r);
	n_sections = rd_le16(&r);
	rd_skip(&r, 12);
	optional_len = rd_le16(&r);
	rd_skip(&r, 2);
	optional = rd_sub(&r, r.pos, optional_len);
	rd_skip(&r, optional_len);
	f->arch = arch_of(machine);
	f->is64 = true;
	f->never_clif = f->arch == CODE_A64;
	add_sections(f, r, n_sections);
	if (f->n_maps > 0)
		qsort(f->maps, f->n_maps, sizeof(*f->maps), by_addr);
	check_entry(f, optional);
	if (f->odd[ODD_BAD_HEADERS].count > 0 || f->odd[ODD_ENTRY].count > 0 || n_sections == 0)
		code_opaque_rest(f);
	note_producer(f, optional, lfanew);
	if (f->never_clif)
		code_note(f,
			  "Cranelift has no output for AArch64 in PE: this is another compiler's");
	code_note_paths(f);
}
