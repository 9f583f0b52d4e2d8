#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh GROUP...                       install the packages of these groups of docs/packages.txt
# deps.sh --check CC PKG_CONFIG MODULE...   say plainly what a build lacks
#
# Needs only a POSIX shell, sed, and on Debian dpkg and apt. Groups build and test are needed;
# without the others `make test` still runs, and names what it skipped.
set -u
list=docs/packages.txt
cd "$(dirname "$0")/../.." || exit 1

packages() {
	sed -n "/^\[$1\]/,/^\[/{s/[[:space:]]*#.*//;/^\[/d;/^\$/d;p;}" "$list"
}

check() {
	cc=$1 pkg_config=$2
	shift 2
	lacking=
	command -v "${cc%% *}" >/dev/null 2>&1 || lacking="$lacking ${cc%% *}"
	if command -v "$pkg_config" >/dev/null 2>&1; then
		for module; do
			"$pkg_config" --exists "$module" || lacking="$lacking $module"
		done
	else
		lacking="$lacking $pkg_config"
	fi
	[ -z "$lacking" ] && exit 0
	echo "rimg cannot be built here, this is missing:$lacking" >&2
	echo "\`make deps\` installs it; the Debian packages are listed in $list" >&2
	exit 1
}

# missing GROUP...: the packages that are not installed
missing() {
	for group; do
		for package in $(packages "$group"); do
			status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
			[ "$status" = installed ] || echo "$package"
		done
	done
}

# install PACKAGE...: with the package lists as they are, else with fresh ones
install() {
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	set -- apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@"
	$sudo "$@" </dev/null >/dev/null 2>&1 && return 0
	$sudo apt-get -qq -o DPkg::Lock::Timeout=120 update </dev/null
	$sudo "$@" </dev/null >/dev/null
}

[ "${1-}" = --check ] && shift && check "$@"

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "This is not Debian: the packages that rimg needs are in $list, under Debian's names."
	exit 0
fi

need=$(missing "$@")
[ -z "$need" ] && exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	sudo='sudo -n --preserve-env=DEBIAN_FRONTEND'
else
	sudo=no
fi

if [ "$sudo" != no ]; then
	echo "installing:" $need
	# shellcheck disable=SC2086 # a list of words
	install $need
	need=$(missing "$@")
	[ -z "$need" ] && exit 0
	echo "apt-get could not install:" $need >&2
else
	echo "These Debian packages are missing, and only root can install them:" >&2
	echo "    apt-get install --no-install-recommends" $need >&2
fi
echo "The list is $list." >&2

# without the packages of the other groups there is less to do, but something
[ -z "$(missing build test)" ] && [ -z "${CI-}" ] && exit 0
exit 1
