/* SPDX-License-Identifier: MIT */
#ifndef BUILD_MANIFEST_H
#define BUILD_MANIFEST_H

/* A manifest: what an image shall hold, read, merged, checked and with every default filled in.
 * docs/manifest.md describes the language. Nothing is read here but the manifest's own files: no
 * source, directory or package is looked at, so a loaded manifest can still name what is not
 * there.
 *
 * Everything that a struct manifest points to lives in its arena. */

#include "core/digest.h"
#include "core/emit.h"
#include "core/json.h"

#define MANIFEST_SECTOR       512U
#define MANIFEST_NAME_MAX     252U         /* bytes of one name in RedoxFS */
#define MANIFEST_EPOCH_MAX    253402300799 /* the end of year 9999 */
#define MANIFEST_DEPTH_MAX    16U          /* files that include one another */
#define MANIFEST_FILES_MAX    1024U        /* files read for one manifest */
#define MANIFEST_N_PARTITIONS 128U

/**
 * struct manifest_source - something outside of the manifest
 * @text: as the manifest spells it; for messages and locks, since it does not depend on the host's
 *        folders
 * @path: the same as an address (core/address.h) that is absolute or relative to the working
 *        directory: "dir/old.img::EFI::/EFI/BOOT/BOOTAA64.EFI"; without steps it may be a file or
 *        a directory. Backslashes and "::" in folder names are escaped as in every address.
 */
struct manifest_source {
	const char *text;
	const char *path;
	struct json_place place;
};

enum manifest_layout {
	MANIFEST_LAYOUT_GPT,   /* protective MBR, GPT, partitions */
	MANIFEST_LAYOUT_PLAIN, /* the whole image is one RedoxFS ([general] skip_partitions) */
};

enum manifest_format {
	MANIFEST_FORMAT_NONE, /* zeros, or the bytes of a source */
	MANIFEST_FORMAT_FAT,
	MANIFEST_FORMAT_REDOXFS,
};

/**
 * struct manifest_partition - one [[partition]], in the order of the table (the first is number 1)
 * @name:      unique, 1 to 36 UTF-16 units, shown on the disk
 * @type:      type GUID in text order (as it is printed)
 * @first_lba: in sectors of 512 bytes
 * @last_lba:  inclusive; inside the image's usable sectors, and no two partitions overlap
 * @source:    FORMAT_NONE: bytes that begin at the first sector, or NULL: zeros
 */
struct manifest_partition {
	const char *name;
	uint8_t type[16];
	uint64_t first_lba;
	uint64_t last_lba;
	enum manifest_format format;
	enum emit_compression compression; /* REDOXFS */
	const struct manifest_source *source;
	struct json_place place;
};

/**
 * struct manifest_bootloader - [bootloader]: the prebuilt program on the EFI partition
 * @path: on that partition, "/EFI/BOOT/BOOTAA64.EFI" by default; every name fits FAT
 */
struct manifest_bootloader {
	struct manifest_source source;
	uint8_t sha256[SHA256_LEN];
	const char *path;
	struct json_place place;
};

/**
 * struct manifest_initfs - [initfs]: the archive that is made and put into the root file system
 * @bootstrap: the program at its head, or NULL
 * @root:      the directory that goes in
 * @path:      in the root file system, "/boot/initfs" by default
 * @max_size:  bytes; 0: the format's own limit
 * @skip_special: leave out sockets, devices and FIFOs of @root instead of refusing them
 */
struct manifest_initfs {
	const struct manifest_source *bootstrap;
	struct manifest_source root;
	const char *path;
	uint64_t max_size;
	bool skip_special;
	struct json_place place;
};

enum manifest_file_kind {
	MANIFEST_FILE_SOURCE,    /* @source: a file, a directory with all below, or an address */
	MANIFEST_FILE_DATA,      /* a file of the bytes @data */
	MANIFEST_FILE_SYMLINK,   /* @data is the target, not empty, without NUL */
	MANIFEST_FILE_DIRECTORY, /* a directory; what is in it already stays */
	MANIFEST_FILE_HARDLINK,  /* another name of the file at @target */
};

/**
 * struct manifest_file - one [[files]]
 * @path:    "/etc/hostname", or "/" (SOURCE, DIRECTORY only); every component is a name that
 * RedoxFS holds: 1..252 bytes of UTF-8, not "." or "..", without ":" and NUL
 * @source:  SOURCE only
 * @data:    DATA, SYMLINK: @data_len bytes, a NUL behind them
 * @target:  HARDLINK: a path like @path
 * @mode, @uid, @gid: count where has_* says so. Otherwise: 0644 for data, 0755 for directories,
 *           as the source has them (normalised) for sources; owners as they are at that place, or 0
 * @recursive_chown: @uid and @gid also for everything below
 * @postinstall: is made after the packages
 * @append:  DATA, SOURCE: goes behind what the file holds already
 * @skip_special: leave out sockets, devices and FIFOs of a source directory
 *
 * Two entries with the same place are one entry of a file that was included twice.
 */
struct manifest_file {
	const char *path;
	enum manifest_file_kind kind;
	const struct manifest_source *source;
	const char *data;
	size_t data_len;
	const char *target;
	bool has_mode, has_uid, has_gid;
	uint32_t mode;
	uint32_t uid, gid;
	bool recursive_chown;
	bool postinstall;
	bool append;
	bool skip_special;
	struct json_place place;
};

/**
 * struct manifest_package - one of [packages] that is not "ignore"
 * @name:   NAME.pkgar in one of the package folders
 * @source: where the package is instead, or NULL
 */
struct manifest_package {
	const char *name;
	const struct manifest_source *source;
	struct json_place place;
};

/** struct manifest_user - one [users.NAME]; no text holds ";" or a line end */
struct manifest_user {
	const char *name;
	const char *password; /* plain; "" : none */
	uint32_t uid, gid;
	const char *full_name;
	const char *home; /* a path like struct manifest_file's */
	const char *shell;
	struct json_place place;
};

/** struct manifest_group - one line of /etc/group */
struct manifest_group {
	const char *name;
	uint32_t gid;
	const char *const *members;
	size_t n_members;
	struct json_place place;
};

/** struct manifest_input - one file that the manifest was read from, for the lock */
struct manifest_input {
	const char *text; /* as it is spelled where it is included; the first: as the caller does */
	const char *path;
	uint64_t size;
	uint8_t sha256[SHA256_LEN];
};

/**
 * struct manifest_warning - something that has no effect or will surprise
 * @place: its file name is as the host has it, not escaped
 * @text:  a sentence without a full stop, escaped for text output
 */
struct manifest_warning {
	struct json_place place;
	const char *text;
};

/**
 * struct manifest - everything
 * @size:        of the image in bytes, a multiple of 512
 * @epoch:       seconds since 1970 UTC, 0..MANIFEST_EPOCH_MAX
 * @seed:        text, @seed_len bytes; "" if the manifest has none
 * @compression: LAYOUT_PLAIN: of the RedoxFS that is the image (partitions have their own)
 * @partitions:  LAYOUT_GPT: at most 128; none with LAYOUT_PLAIN
 * @esp:         the partition with format fat, or NULL; there is at most one
 * @root:        the partition with format redoxfs, or NULL; there is at most one. Never NULL with
 *               LAYOUT_GPT when there are files, packages, users, groups or an initfs
 * @bootloader:  NULL: none; else @esp is not NULL
 * @initfs:      NULL: none
 * @files:       in the order in which they are made, those marked postinstall among them
 * @packages:    sorted by name
 * @package_dirs: folders with NAME.pkgar, searched in order
 * @package_keys: files with the public keys that packages may be signed with
 * @cookbook:    [general] cookbook: a folder with repo/TARGET/NAME.pkgar and the public key
 *               build/id_ed25519.pub.toml, or NULL
 * @users:       sorted by name, with the numbers that the installer would give them
 * @groups:      lines of /etc/group in order: those of the users, then [groups] by name
 * @inputs:      in the order in which they were opened; the first is the manifest itself
 */
struct manifest {
	struct arena arena;
	uint64_t size;
	int64_t epoch;
	const char *seed;
	size_t seed_len;
	enum manifest_layout layout;
	enum emit_compression compression;
	const struct manifest_partition *partitions;
	size_t n_partitions;
	const struct manifest_partition *esp;
	const struct manifest_partition *root;
	const struct manifest_bootloader *bootloader;
	const struct manifest_initfs *initfs;
	const struct manifest_file *files;
	size_t n_files;
	const struct manifest_package *packages;
	size_t n_packages;
	const struct manifest_source *package_dirs;
	size_t n_package_dirs;
	const struct manifest_source *package_keys;
	size_t n_package_keys;
	const struct manifest_source *cookbook;
	const struct manifest_user *users;
	size_t n_users;
	const struct manifest_group *groups;
	size_t n_groups;
	const struct manifest_input *inputs;
	size_t n_inputs;
	const struct manifest_warning *warnings;
	size_t n_warnings;
};

/**
 * struct manifest_options - what the command line adds
 * @base:  folder that sources are relative to; NULL: the folder of the file that names them.
 *         Included files are always relative to the file that includes them.
 * @epoch: used when the manifest has none; the command passes SOURCE_DATE_EPOCH here, or 0
 * @set:   @n_set texts "KEY=VALUE", applied in order to the merged manifest. KEY is dotted
 *         ("image.size"), with a part in double quotes where it holds dots; an element of
 *         [[partition]] is named by its name, one of [[files]] by its path. VALUE is TOML if it is
 *         valid TOML (a number, true, false, a quoted text, a list, a table), else a text.
 */
struct manifest_options {
	const char *base;
	int64_t epoch;
	const char *const *set;
	size_t n_set;
};

/**
 * manifest_load - read a manifest and what it includes
 * @path:    host path of a TOML file, or of a JSON file (which begins with "{")
 * @options: may be NULL
 * @ret:     set on success only; the caller ends it with manifest_done()
 *
 * Returns 0; -RIMG_E_BAD with "FILE:LINE: sentence" for whatever the language does not allow;
 * -RIMG_E_ARG with "--set KEY=VALUE: sentence"; -RIMG_E_UNSUPPORTED for an encrypted volume;
 * -RIMG_E_LIMIT, -RIMG_E_IO, -RIMG_E_NOMEM.
 */
int manifest_load(const char *path, const struct manifest_options *options, struct manifest *ret,
		  struct rimg_error *err);

/** manifest_load_text - like manifest_load() for @len bytes that stand for the file @path */
int manifest_load_text(const char *text, size_t len, const char *path,
		       const struct manifest_options *options, struct manifest *ret,
		       struct rimg_error *err);

/** manifest_done - free everything; a struct of zeros is fine */
void manifest_done(struct manifest *m);

/**
 * manifest_path_check - is @path a path that RedoxFS can hold?
 * @ret: set on success only: with one "/" in front and none at the end, in @a
 *
 * Returns 0, or -RIMG_E_BAD with the reason in @why, a buffer of @len bytes.
 */
int manifest_path_check(struct arena *a, const char *path, const char **ret, char *why, size_t len);

#endif
