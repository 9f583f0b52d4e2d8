# SPDX-License-Identifier: MIT
#
# The shared library, and what is installed. Part of the Makefile.

VERSION := $(shell sed -n 's/^\#define RIMG_VERSION "\(.*\)"$$/\1/p' include/rimg/rimg.h)
SOVERSION = 0

# ---- librimg.so ---------------------------------------------------------------------------------
# Made of the archive: what the exported functions need, and so none of the commands and their
# libraries. Sanitizers do not go into it: they belong to programs.

SHARED = $(O)/librimg.so.$(VERSION)
MAP = lib/librimg.map
API = $(call once,API,$(shell sed -n 's/^	\(rimg_[a-z0-9_]*\);$$/\1/p' $(MAP)))
API_LD = $(API:%=-Wl$(,)--require-defined=%)

# what the library needs of others, for those who link it statically; tests/cli/install.sh holds it
# against what the shared one needs
PC_PRIVATE = libcrypto libelf fdisk liblz4 libargon2 liblzma capstone

$(SHARED): $(LIB) $(MAP) packaging/rules.mk
	$(call say,LINK,$@)
	$(Q)$(CC) -shared $(filter-out -pie,$(ALL_LDFLAGS)) -Wl,-z,defs -Wl,-soname,librimg.so.$(SOVERSION) \
		-Wl,--version-script=$(MAP) $(API_LD) -o $@ $(LIB) $(PKG_LIBS)
	$(Q)ln -sf $(@F) $(O)/librimg.so.$(SOVERSION)
	$(Q)ln -sf $(@F) $(O)/librimg.so

# One object, in which only the public names are left: programs may call their functions rd_init,
# too.
STATIC = $(O)/static/librimg.a
OBJCOPY ?= $(AR:%ar=%objcopy)
$(STATIC): $(LIB) $(MAP) packaging/rules.mk
	$(call say,AR,$@)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)$(CC) -r -nostdlib $(API_LD) -o $(@D)/librimg.o $(LIB)
	$(Q)$(OBJCOPY) --localize-hidden $(@D)/librimg.o
	$(Q)$(AR) rcsD $@ $(@D)/librimg.o

all: $(if $(SAN),,$(SHARED))

# ---- completions: made from the commands' tables, so that they know every option ----------------

SHELLS = bash zsh fish
COMPLETIONS = $(SHELLS:%=$(O)/completion.%)
$(O)/packaging/completions: $(O)/packaging/completions.o $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(ALL_LDFLAGS) -o $@ $< $(LIBS)

$(COMPLETIONS): $(O)/completion.%: $(O)/packaging/completions packaging/completion.%
	@$< $* packaging/completion.$* >$@.new && mv -f $@.new $@

# ---- manual pages of the library, from the comments of its headers --------------------------------

MAN_DATE = November 23, 2026
MAN3 = $(O)/man3/librimg.3
PAGES3 = librimg $(patsubst %,rimg_%,$(filter-out rimg,$(PUBLIC:include/rimg/%.h=%))) $(API)
$(MAN3): packaging/apidoc.awk $(PUBLIC)
	$(call say,DOC,$(@D))
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)awk -v out=$(@D) -v date='$(MAN_DATE)' -f $< $(PUBLIC)

# the same to be read in a browser
.PHONY: apidoc
apidoc: $(MAN3)
	@command -v mandoc >/dev/null || { echo 'mandoc is missing: make deps CI=true' && exit 1; }
	@rm -rf $(O)/apidoc && mkdir -p $(O)/apidoc
	@for page in $$(grep -L '^\.so' $(O)/man3/*.3); do \
		mandoc -T html -O man=%N.html,toc $$page >$(O)/apidoc/$$(basename $$page .3).html || exit 1; done
	@echo 'apidoc: $(O)/apidoc/librimg.html'

# what tests install is made before, as several do so at once
tests-build: $(if $(SAN),,$(STATIC) $(COMPLETIONS) $(MAN3))

# ---- install ------------------------------------------------------------------------------------

libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
datadir ?= $(prefix)/share
pkgconfigdir ?= $(libdir)/pkgconfig
bashcompdir ?= $(datadir)/bash-completion/completions
zshcompdir ?= $(datadir)/zsh/site-functions
fishcompdir ?= $(datadir)/fish/vendor_completions.d

# paths below the prefix are written as such, so that a tree that was moved can still be used:
# pkg-config --define-prefix
$(O)/rimg.pc: packaging/rimg.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir:$(prefix)/%=$${prefix}/%)|' \
		-e 's|@includedir@|$(includedir:$(prefix)/%=$${prefix}/%)|' -e 's|@version@|$(VERSION)|' \
		-e 's|@private@|$(PC_PRIVATE)|' $< >$@.$$$$ && \
		{ cmp -s $@.$$$$ $@ && rm -f $@.$$$$ || mv -f $@.$$$$ $@; }

LINKS = rimg-build rimg-diff rimg-verify
MAN := $(wildcard docs/man/*.1 docs/man/*.5)
SO_LINKS = librimg.so.$(SOVERSION) librimg.so
INSTALL ?= install

.PHONY: install uninstall
install: all $(SHARED) $(STATIC) $(COMPLETIONS) $(MAN3) $(O)/rimg.pc
	$(INSTALL) -d '$(DESTDIR)$(bindir)'
	$(INSTALL) -m 755 $(O)/rimg '$(DESTDIR)$(bindir)/rimg'
	for link in $(LINKS); do ln -sf rimg '$(DESTDIR)$(bindir)'/$$link; done
	$(INSTALL) -d '$(DESTDIR)$(libdir)' '$(DESTDIR)$(pkgconfigdir)' '$(DESTDIR)$(includedir)/rimg'
	$(INSTALL) -m 644 $(SHARED) $(STATIC) '$(DESTDIR)$(libdir)'
	for link in $(SO_LINKS); do ln -sf $(notdir $(SHARED)) '$(DESTDIR)$(libdir)'/$$link; done
	$(INSTALL) -m 644 $(O)/rimg.pc '$(DESTDIR)$(pkgconfigdir)'
	$(INSTALL) -m 644 $(PUBLIC) '$(DESTDIR)$(includedir)/rimg'
	for page in $(MAN); do $(INSTALL) -D -m 644 -t '$(DESTDIR)$(mandir)'/man$${page##*.} $$page; done
	$(INSTALL) -d '$(DESTDIR)$(mandir)/man3'
	$(INSTALL) -m 644 $(O)/man3/*.3 '$(DESTDIR)$(mandir)/man3'
	$(INSTALL) -d '$(DESTDIR)$(bashcompdir)' '$(DESTDIR)$(zshcompdir)' '$(DESTDIR)$(fishcompdir)'
	$(INSTALL) -m 644 $(O)/completion.bash '$(DESTDIR)$(bashcompdir)/rimg'
	for link in $(LINKS); do ln -sf rimg '$(DESTDIR)$(bashcompdir)'/$$link; done
	$(INSTALL) -m 644 $(O)/completion.zsh '$(DESTDIR)$(zshcompdir)/_rimg'
	$(INSTALL) -m 644 $(O)/completion.fish '$(DESTDIR)$(fishcompdir)/rimg.fish'
	for link in $(LINKS); do ln -sf rimg.fish '$(DESTDIR)$(fishcompdir)'/$$link.fish; done

uninstall:
	for name in rimg $(LINKS); do rm -f '$(DESTDIR)$(bindir)'/$$name; done
	for name in $(notdir $(SHARED) $(STATIC)) $(SO_LINKS); do rm -f '$(DESTDIR)$(libdir)'/$$name; done
	rm -f '$(DESTDIR)$(pkgconfigdir)/rimg.pc'
	for name in $(notdir $(PUBLIC)); do rm -f '$(DESTDIR)$(includedir)/rimg'/$$name; done
	-rmdir '$(DESTDIR)$(includedir)/rimg'
	for page in $(MAN); do rm -f '$(DESTDIR)$(mandir)'/man$${page##*.}/$${page##*/}; done
	for page in $(PAGES3); do rm -f '$(DESTDIR)$(mandir)'/man3/$$page.3; done
	for name in rimg $(LINKS); do rm -f '$(DESTDIR)$(bashcompdir)'/$$name '$(DESTDIR)$(fishcompdir)'/$$name.fish; done
	rm -f '$(DESTDIR)$(zshcompdir)/_rimg'

-include $(O)/packaging/completions.d

# ---- packages -----------------------------------------------------------------------------------

.PHONY: dist deb deb-reproducible
dist:
	@mkdir -p $(O)
	@packaging/dist.sh $(O)/rimg-$(VERSION).tar.xz rimg-$(VERSION)
	@sha256sum $(O)/rimg-$(VERSION).tar.xz

deb:
	@packaging/deb.sh $(O)/deb

deb-reproducible:
	@packaging/deb-reproducible.sh $(O)/deb-reproducible
