# SPDX-License-Identifier: MIT
#
# rimg: build, test, install. Everything that is made goes below $(O).
#
#   make            librimg.a, librimg.so and rimg
#   make demo       install what is missing, build, show the main job on real images
#   make test       install what is missing, build, run every test
#   make help       the other targets
#
# Variables: O=DIR (where products go), CC, CXX, CFLAGS, LDFLAGS, SAN=address,undefined, V=1 (show
# commands), prefix, DESTDIR, bindir, libdir, ..., CI=true (install every package of docs/packages.txt).

O ?= out
GOLDEN ?= out/golden
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man

ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(origin CXX),default)
CXX = g++
endif
ifeq ($(origin AR),default)
AR = ar
endif
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format-14
CLANG_TIDY ?= clang-tidy-14
ANALYZER ?= gcc-12

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all FORCE
all:

Q = $(if $(V),,@)
, := ,
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# ---- sources ------------------------------------------------------------------------------------

LIB_SRC := $(sort $(wildcard lib/core/*.c lib/formats/*.c lib/audit/*.c build/*.c diff/*.c verify/*.c))
LIB_SRC_CXX := $(sort $(wildcard lib/core/*.cc lib/formats/*.cc))
CLI_SRC := $(sort $(wildcard lib/cli/*.c))
TEST_SRC := $(sort $(wildcard tests/unit/test_*.c tests/formats/test_*.c tests/laws/test_*.c \
	tests/audit/test_*.c tests/diff/test_*.c tests/verify/test_*.c))
FUZZ_SRC := $(if $(wildcard tests/fuzz/replay.c),$(sort $(wildcard tests/fuzz/fuzz_*.c)))
TEST_SCRIPTS := $(sort $(wildcard tests/cli/*.sh))
HEADERS := $(sort $(wildcard include/rimg/*.h lib/*/*.h build/*.h diff/*.h verify/*.h tests/*.h tests/audit/*.h tests/formats/*.h \
	tests/fuzz/*.h tests/unit/*.h))

LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o) $(LIB_SRC_CXX:%.cc=$(O)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(O)/%.o)
MAIN_OBJ := $(filter $(O)/lib/cli/main.o,$(CLI_OBJ))
TEST_BIN := $(TEST_SRC:%.c=$(O)/%)
FUZZ_BIN := $(FUZZ_SRC:%.c=$(O)/%)
FUZZ_HELP_SRC := $(addprefix tests/fuzz/,image.c mutate.c redoxfs_input.c seal.c seal_redoxfs.c)
FUZZ_HELP = $(O)/tests/fuzz/help.a

# ---- flags --------------------------------------------------------------------------------------
# What asks a program is evaluated once, when the first recipe needs it: a machine without compiler
# or pkg-config can still read this file and run `make deps`.

once = $(eval $(1) := $(2))$($(1))

# libcrypto: SHA-256, AES; libelf: ELF; fdisk: second opinion on partition tables; json-c: JSON;
# liblz4: records of RedoxFS; libargon2: passwords of RedoxFS; liblzma: packages;
# tomlplusplus: manifests, policies; libseccomp: lib/core/sandbox_calls.c
PKGS = libcrypto libelf fdisk json-c liblz4 libargon2 liblzma tomlplusplus capstone libseccomp
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(shell $(PKG_CONFIG) --cflags $(PKGS)))
PKG_LIBS = $(call once,PKG_LIBS,$(shell $(PKG_CONFIG) --libs $(PKGS)))
TEST_CFLAGS = $(call once,TEST_CFLAGS,$(shell $(PKG_CONFIG) --cflags cmocka))
TEST_LIBS = $(call once,TEST_LIBS,$(shell $(PKG_CONFIG) --libs cmocka))
IS_CLANG = $(call once,IS_CLANG,$(findstring clang,$(shell $(CC) --version)))

WARN = -Wall -Wextra -Wshadow -Wundef -Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings \
	-Wvla -Wformat=2 -Wimplicit-fallthrough -Wconversion -Wno-sign-conversion
WARN_C = -Wstrict-prototypes -Wmissing-prototypes
WERROR = -Werror

HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIC -fvisibility=hidden
HARDEN_LD = -pie -Wl,-z,relro,-z,now
INIT = $(if $(IS_CLANG),,-ftrivial-auto-var-init=zero)
ifeq ($(SAN),)
CFLAGS ?= -O2 -g
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
WARN += -Wframe-larger-than=16384
else
CFLAGS ?= -O1 -g
SAN_FLAGS = -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

COMMON = -Iinclude -Ilib -I. -I$(O)/gen -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -pthread -MMD -MP \
	'-ffile-prefix-map=$(CURDIR)=.' $(CPPFLAGS) $(HARDEN) $(INIT) $(SAN_FLAGS) $(PKG_CFLAGS)
# empty, as in a source file that defines it by itself
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE= $(WARN) $(WARN_C) $(WERROR) $(COMMON) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 $(WARN) $(WERROR) $(COMMON) $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(HARDEN_LD) $(SAN_FLAGS) $(CFLAGS) $(LDFLAGS)
LINK = $(if $(LIB_SRC_CXX),$(CXX),$(CC))

# ---- librimg.a, rimg ----------------------------------------------------------------------------

LIB = $(O)/librimg.a
CLI_LIB = $(O)/lib/cli.a
RIMG = $(if $(MAIN_OBJ),$(O)/rimg)

all: $(LIB) $(CLI_LIB) $(RIMG)

# a target of its own: make expands a recipe, and so asks the compiler, before it runs it
.PHONY: tools
tools:
	@tests/tools/deps.sh --check '$(CC)' '$(PKG_CONFIG)' $(PKGS)

$(O)/flags: FORCE | tools
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(ALL_CFLAGS)' '$(CXX) $(ALL_CXXFLAGS)' \
		'$(LINK) $(ALL_LDFLAGS) $(PKG_LIBS)' >$@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

$(O)/%.o: %.c $(O)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(O)/%.o: %.cc $(O)/flags
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_CXXFLAGS) -c -o $@ $<

# the list of members is a prerequisite, so that a removed source leaves the archive too
$(O)/gen/members: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(LIB_OBJ) $(CLI_OBJ) >$@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

$(LIB): $(LIB_OBJ) $(O)/gen/members
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $(LIB_OBJ)

$(CLI_LIB): $(CLI_OBJ) $(O)/gen/members
	$(call say,AR,$@)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $(filter-out $(MAIN_OBJ),$(CLI_OBJ))

LIBS = -Wl,--start-group $(CLI_LIB) $(LIB) -Wl,--end-group $(PKG_LIBS)

$(O)/rimg: $(MAIN_OBJ) $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(ALL_LDFLAGS) -o $@ $(MAIN_OBJ) $(LIBS)

# ---- registries: one line in a source file registers a format or a command ----------------------

# $(call registry,MACRO,type,prefix,files): the declarations, and the body of a table
registry = @mkdir -p $(@D); \
	ids=$$(sed -n 's/^$(1)(\([a-z0-9_]*\)).*/\1/p' /dev/null $(4) | LC_ALL=C sort); \
	{ echo '/* made by make from the $(1) lines of the sources */'; \
	for id in $$ids; do echo "extern const struct $(2) $(3)_$$id;"; done; \
	echo '\#define $(1)_TABLE \'; \
	for id in $$ids; do printf '\t&$(3)_%s, \\\n' "$$id"; done; \
	printf '\tNULL\n'; } >$@.new; \
	cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

$(O)/gen/formats.inc: FORCE
	$(call registry,RIMG_FORMAT,rimg_format,format,$(filter lib/formats/%,$(LIB_SRC)))

$(O)/gen/emitters.inc: FORCE
	$(call registry,RIMG_EMITTER,rimg_emitter,emitter,$(filter lib/formats/%,$(LIB_SRC)))

$(O)/gen/commands.inc: FORCE
	$(call registry,RIMG_COMMAND,rimg_command,command,$(filter-out lib/core/% lib/formats/%,$(LIB_SRC) $(CLI_SRC)))

# rows of the document as rows of a table: | `code` | severity | text |
$(O)/gen/findings.inc: docs/findings.md
	@mkdir -p $(@D)
	@sed -n 's/^| `\([a-z0-9]*\.[a-z0-9-]*\)` | [a-z]* | \(.*\) |$$/\1 \2/p' $< | LC_ALL=C sort | \
		sed 's/`//g; s/\\/\\\\/g; s/"/\\"/g; s/^\([^ ]*\) \(.*\)$$/{ "\1", "\2" },/' >$@

$(O)/lib/core/findings.o: $(O)/gen/findings.inc
$(O)/lib/core/registry.o: $(O)/gen/formats.inc $(O)/gen/emitters.inc
$(O)/lib/cli/commands.o: $(O)/gen/commands.inc

# ---- golden images ------------------------------------------------------------------------------

GOLDEN_XZ := $(wildcard golden/*.xz golden/broken/*.xz)
GOLDEN_PLAIN := $(wildcard golden/*.jsonl golden/*.pkgar golden/*.toml)
GOLDEN_ALL := $(GOLDEN_XZ:golden/%.xz=$(GOLDEN)/%) $(GOLDEN_PLAIN:golden/%=$(GOLDEN)/%)

.PHONY: golden
golden: $(GOLDEN_ALL)

# under a name of its own until complete: several builds may share the folder
$(GOLDEN_XZ:golden/%.xz=$(GOLDEN)/%): $(GOLDEN)/%: golden/%.xz
	@mkdir -p $(@D)
	@rm -f $@ && xz -dkc $< >$@.$$$$ && chmod 444 $@.$$$$ && mv -f $@.$$$$ $@

$(GOLDEN_PLAIN:golden/%=$(GOLDEN)/%): $(GOLDEN)/%: golden/%
	@mkdir -p $(@D)
	@cp -f $< $@.$$$$ && chmod 444 $@.$$$$ && mv -f $@.$$$$ $@

# ---- tests --------------------------------------------------------------------------------------

JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(call once,NPROC,$(shell nproc)))

.PHONY: deps test test-run tests-build demo
deps:
	@tests/tools/deps.sh $(if $(CI),build test compare develop,build test compare)

test:
	@$(MAKE) deps
	@$(MAKE) $(JOBS) test-run

$(O)/tests/%.o: tests/%.c $(O)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(TEST_CFLAGS) -Itests -DTEST_GOLDEN='"$(GOLDEN)"' \
		-DTEST_RIMG='"$(O)/rimg"' -c -o $@ $<

# the one whose allocations fail
$(O)/tests/unit/test_oom: private LDFLAGS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=free

$(O)/tests/unit/test_seal: $(FUZZ_HELP)
$(TEST_BIN): %: %.o $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(ALL_LDFLAGS) -o $@ $(filter $< $(FUZZ_HELP),$^) $(LIBS) $(TEST_LIBS)

# a fuzz target as a test: it replays its corpus
$(FUZZ_BIN): %: %.o $(O)/tests/fuzz/replay.o $(FUZZ_HELP) $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(ALL_LDFLAGS) -o $@ $< $(O)/tests/fuzz/replay.o $(FUZZ_HELP) $(LIBS)

# what targets share: each links what it uses
$(FUZZ_HELP): $(FUZZ_HELP_SRC:%.c=$(O)/%.o)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

tests-build: all $(TEST_BIN) $(FUZZ_BIN)

test-run: golden tests-build
	@RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' tests/run '$(O)/tests/log' $(TEST_BIN) $(FUZZ_BIN) \
		$(if $(RIMG),$(TEST_SCRIPTS))

# the tests of one name, program and script: make test-rd
test-%: all golden
	@for program in $(filter %/test_$*,$(TEST_BIN)); do \
		$(MAKE) $$program && $$program || exit 1; done
	@for script in $(filter %/$*.sh,$(TEST_SCRIPTS)); do \
		RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' bash $$script || exit 1; done
	@$(if $(filter %/test_$*,$(TEST_BIN))$(filter %/$*.sh,$(TEST_SCRIPTS)),,\
		echo 'there is no test of the name $*'; exit 1)

demo:
	@$(MAKE) deps
	@$(MAKE) $(JOBS) all golden
	@RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' tests/demo.sh

# `make test` under AddressSanitizer and UndefinedBehaviorSanitizer
.PHONY: check-asan check-tsan
check-asan:
	@$(MAKE) deps
	@$(MAKE) $(JOBS) O=out/asan SAN=address,undefined test-run

check-tsan:
	@$(MAKE) deps
	@$(MAKE) $(JOBS) O=out/tsan SAN=thread test-run

# the same in memcheck: what is left out is listed
.PHONY: check-valgrind
check-valgrind: golden
	@$(MAKE) deps
	@$(MAKE) $(JOBS) all $(TEST_BIN)
	@RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' tests/valgrind.sh '$(O)/valgrind' $(TEST_BIN)

# Which lines and branches the tests run: a table of files, and with FILES=1 each line of lib/formats
# that none of them does. TESTS: what is run, as in tests/run; everything if not given.
COVER = O=out/coverage HARDEN=-fPIE WERROR= 'CFLAGS=-O0 -g --coverage -fprofile-update=atomic -DRIMG_COVERAGE -w'
.PHONY: coverage
coverage: golden
	@$(MAKE) deps
	@$(MAKE) $(JOBS) $(COVER) tests-build
	@find out/coverage -name '*.gcda' -delete
	-@$(if $(TESTS),RIMG=out/coverage/rimg GOLDEN='$(GOLDEN)' tests/run out/coverage/tests/log $(TESTS),$(MAKE) $(COVER) test-run)
	@tests/tools/coverage.py $(if $(FILES),--lines lib/formats) $(if $(BRANCHES),--branches lib/formats) \
		out/coverage lib/formats lib/core lib/audit

# every allocation and every call to the system fails in turn, in every command; takes an hour, FAULT_STEP=31
# minutes. FAULT_ONLY='diff check' for some of the commands. See docs/testing.md.
.PHONY: faults
faults: all golden
	@FAULT_STEP='$(or $(FAULT_STEP),1)' RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' tests/faults-run.sh '$(O)/faults' $(FAULT_ONLY)

# gcc's analyzer. Without -O, as then it follows what is written; leaks it sees in each array that grows
# (it forgets what it stored at an index), so these are left to LeakSanitizer, test_oom and check-valgrind.
# __clang_analyzer__: core/error.h tells that errors are negative.
ANALYZE_SRC = $(LIB_SRC) $(CLI_SRC) $(wildcard examples/*.c)
.PHONY: analyze
analyze: $(ANALYZE_SRC:%.c=$(O)/analyze/%.ok)
	@echo "analyze: $(words $(ANALYZE_SRC)) files are clean"
$(O)/analyze/%.ok: %.c $(HEADERS) | $(O)/gen/formats.inc $(O)/gen/emitters.inc $(O)/gen/commands.inc $(O)/gen/findings.inc
	$(call say,ANALY,$<)
	@mkdir -p $(@D)
	$(Q)$(ANALYZER) -fanalyzer -Wno-analyzer-malloc-leak -Werror -std=gnu17 -D_GNU_SOURCE= -D__clang_analyzer__ \
		-Iinclude -Ilib -I. -I$(O)/gen $(PKG_CFLAGS) -S -o /dev/null $<
	@touch $@

# make fuzz [FUZZ=open] [MINUTES=1]: each target in turn under libFuzzer, ASan and UBSan. Inputs that
# are new go to out/fuzz/corpus, what crashes to out/fuzz/NAME-crash-*; once mended, the input belongs
# into tests/fuzz/corpus/NAME, where `make test` replays it. fuzz-afl: the same under AFL++, in out/afl.
FUZZ ?= $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
MINUTES ?= 1
# what is compared is not traced, which would take half of the time: seals (tests/fuzz/seal.h) and
# dictionaries do better
FUZZ_CFLAGS = -O2 -g -fno-sanitize-coverage=trace-cmp
.PHONY: fuzz fuzz-afl fuzz-build
fuzz:
	@echo 'int main(void) { return 0; }' | clang-14 -x c -fsanitize=address -o /dev/null - 2>/dev/null || \
		{ echo 'make fuzz needs clang-14 and libclang-rt-14-dev: make deps CI=true'; exit 1; }
	@$(MAKE) $(JOBS) O=out/fuzz CC=clang-14 CXX=clang++-14 SAN=fuzzer-no-link,address,undefined \
		CFLAGS='$(FUZZ_CFLAGS)' fuzz-build
	@tests/fuzz/run.sh libfuzzer out/fuzz $(MINUTES) $(FUZZ)

fuzz-afl:
	@command -v afl-clang-fast >/dev/null || { echo 'make fuzz-afl needs AFL++: apt-get install afl++'; exit 1; }
	@AFL_QUIET=1 $(MAKE) $(JOBS) O=out/afl CC=afl-clang-fast CXX=afl-clang-fast++ SAN=address,undefined \
		CFLAGS='-O2 -g' fuzz-build out/afl/mutator.so
	@tests/fuzz/run.sh afl out/afl $(MINUTES) $(FUZZ)

MUTATOR_SRC = $(addprefix tests/fuzz/,afl_mutator.c mutate.c seal.c seal_redoxfs.c) \
	$(addprefix lib/core/,blake3.c crc32.c seahash.c)
out/afl/mutator.so: $(MUTATOR_SRC) $(HEADERS)
	$(call say,LINK,$@)
	$(Q)clang-14 -std=gnu17 -D_GNU_SOURCE= -O2 -fPIC -shared -Iinclude -Ilib -I. -Itests -o $@ $(MUTATOR_SRC)

fuzz-build: $(FUZZ:%=$(O)/engine_%)
$(O)/engine_%: $(O)/tests/fuzz/fuzz_%.o $(FUZZ_HELP) $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< $(FUZZ_HELP) $(LIBS)

# ---- rules for sources --------------------------------------------------------------------------

C_SRC := $(LIB_SRC) $(CLI_SRC) $(TEST_SRC) $(sort $(wildcard tests/*.c tests/bench/*.c tests/corpus/*.c tests/fuzz/*.c examples/*.c packaging/*.c))
ALL_SRC := $(HEADERS) $(C_SRC) $(LIB_SRC_CXX)
OWN_SRC := $(filter-out tests/% examples/%,$(ALL_SRC))
PUBLIC := $(filter include/rimg/%,$(HEADERS))

.PHONY: format format-check lint lint-rules headers layers reproducible ci-compilers
format:
	$(CLANG_FORMAT) -i $(ALL_SRC)

format-check:
	@command -v $(CLANG_FORMAT) >/dev/null || { echo '$(CLANG_FORMAT) is missing: make deps CI=true' && exit 1; }
	@$(CLANG_FORMAT) --dry-run -Werror $(ALL_SRC)

lint: lint-rules headers $(C_SRC:%.c=$(O)/tidy/%.ok)
	@echo "lint: $(words $(C_SRC)) files are clean"

lint-rules:
	@for program in $(CLANG_TIDY) mandoc; do command -v $$program >/dev/null || \
		{ echo "$$program is missing: make deps CI=true" && exit 1; }; done
	@awk -f tests/tools/lint.awk $(HEADERS) $(C_SRC)
	@tests/tools/findings.sh $(filter lib/% verify/%,$(LIB_SRC))
	@mandoc -T lint -W warning $(MAN)
	@awk 'FNR == 1 && !/SPDX-License-Identifier: MIT/ { print FILENAME ": no licence line"; bad = 1 } \
		END { exit bad }' $(LIB_SRC_CXX) /dev/null

# public headers compile alone, as C11, as C17 and as C++
headers: $(PUBLIC:%=$(O)/%.ok)
$(O)/include/%.h.ok: include/%.h $(PUBLIC)
	@mkdir -p $(@D)
	@for std in c11 c17; do \
		$(CC) -std=$$std -pedantic-errors -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c $< || exit 1; done
	@$(CXX) -std=c++11 -pedantic-errors -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ $<
	@touch $@

# warnings are the compilers' business: what gcc alone knows would only confuse clang here. The
# analyzer does not know that cmocka's assertions do not come back, and tests may call other programs.
$(O)/tidy/%.ok: %.c $(HEADERS) .clang-tidy | $(O)/gen/formats.inc $(O)/gen/emitters.inc $(O)/gen/commands.inc $(O)/gen/findings.inc
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG_TIDY) --quiet $(if $(filter tests/%,$<),--checks=-clang-analyzer-*$(,)-cert-*) $< -- -std=gnu17 -D_GNU_SOURCE= -Iinclude -Ilib -I. -I$(O)/gen -Itests \
		-w $(PKG_CFLAGS) 2>$@.err || { cat $@.err; exit 1; }
	@touch $@

layers:
	@awk -f tests/tools/layers.awk $(OWN_SRC)
	@echo "layers: every #include points the right way"

# ---- judged by others ---------------------------------------------------------------------------
# interop: upstream's own tools, built with cargo, and the tools of SPDX, CycloneDX and SARIF, from the
# registries of Python and npm; boot: a real boot loader in QEMU, which BOOTLOADER names; same-bytes:
# other compilers and machines make the same images. All say what they skip, and why.

.PHONY: interop boot same-bytes
interop: golden
	@tests/tools/deps.sh build test compare interop
	@$(MAKE) $(JOBS) all $(O)/tests/same_hash
	@SAME_HASH='$(O)/tests/same_hash' GOLDEN='$(GOLDEN)' tests/interop/run.sh $(O)/rimg $(O)/interop || \
		{ s=$$?; [ $$s = 77 ] || exit $$s; }
	@tests/interop/documents.sh $(O)/rimg $(GOLDEN) $(O)/interop/documents

same-bytes: golden
	@tests/tools/deps.sh build test compare same-bytes
	@tests/interop/same-bytes.sh $(O)/same-bytes '$(GOLDEN)' || { s=$$?; [ $$s = 77 ] || exit $$s; }

boot:
	@tests/tools/deps.sh build boot
	@$(MAKE) $(JOBS) all
	@tests/boot/run.sh $(O)/rimg $(O)/boot '$(BOOTLOADER)' || { s=$$?; [ $$s = 77 ] || exit $$s; }

# the audit, judged by programs whose makers are known: tests/corpus/README.md. SIZES=1: by size, too
.PHONY: corpus
corpus: $(O)/tests/corpus/measure
	@tests/corpus/run.sh $< $(O)/corpus || { s=$$?; [ $$s = 77 ] || exit $$s; }

$(O)/tests/corpus/measure: $(O)/tests/corpus/measure.o $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(ALL_LDFLAGS) -o $@ $< $(LIBS)

reproducible:
	@tests/tools/reproducible.sh '$(O)/reproducible'

ci-compilers:
	@$(MAKE) $(JOBS) O=out/gcc CC=gcc CXX=g++ tests-build
	@$(MAKE) $(JOBS) O=out/clang CC=clang-14 CXX=clang++-14 tests-build

# ---- looked at --------------------------------------------------------------------------------
# schemas: docs/schema, by another validator; screenshots: our pages in a browser; compare-diffoscope:
# the same two disks for rimg diff and diffoscope (docs/comparison.md). All say what they skip, and why.

.PHONY: schemas screenshots compare-diffoscope
interop: schemas
schemas: $(O)/rimg golden
	@tests/interop/schemas.sh '$(O)/rimg' '$(GOLDEN)' '$(O)/schemas' || { s=$$?; [ $$s = 77 ] || exit $$s; }

screenshots: $(O)/rimg golden
	@tests/tools/deps.sh look
	@RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' tests/screenshots.sh '$(O)/screenshots' || { s=$$?; [ $$s = 77 ] || exit $$s; }

compare-diffoscope: $(O)/rimg $(O)/tests/bench/measure
	@tests/tools/deps.sh look
	@MEASURE='$(O)/tests/bench/measure' RIMG='$(O)/rimg' tests/compare-diffoscope.sh '$(O)/diffoscope' || \
		{ s=$$?; [ $$s = 77 ] || exit $$s; }

include packaging/rules.mk

# ---- the rest ------------------------------------------------------------------------------------

.PHONY: bench bench-growth clean help
$(O)/tests/bench/measure $(O)/tests/same_hash: %: %.o
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $<

# what commands cost; the figures go into docs/performance.md. bench-growth: with size and number alone
BENCH = MEASURE='$(O)/tests/bench/measure' RIMG='$(O)/rimg' GOLDEN='$(GOLDEN)' tests/bench
bench: all golden $(O)/tests/bench/measure
	@$(BENCH)/compare.sh '$(O)/bench'
	@$(BENCH)/build.sh '$(O)/bench'
	@$(BENCH)/growth.sh '$(O)/bench'
	@$(BENCH)/write.sh '$(O)/bench'

bench-growth: all $(O)/tests/bench/measure
	@$(BENCH)/growth.sh '$(O)/bench'
	@$(BENCH)/write.sh '$(O)/bench'

clean:
	rm -rf out $(filter out/%,$(O))

help:
	@sed -n '/^#$$/,/^$$/{s/^# \{0,1\}//p}' Makefile
	@echo 'Targets: all deps test test-NAME demo bench bench-growth golden check-asan check-tsan check-valgrind analyze faults coverage fuzz format format-check lint'
	@echo '         layers headers reproducible ci-compilers interop boot corpus same-bytes install uninstall clean'
	@echo '         schemas screenshots compare-diffoscope dist deb deb-reproducible apidoc'

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TEST_BIN:=.d) $(FUZZ_BIN:=.d) $(FUZZ_HELP_SRC:%.c=$(O)/%.d) \
	$(O)/tests/fuzz/replay.d $(O)/tests/bench/measure.d $(O)/tests/same_hash.d $(O)/tests/corpus/measure.d
