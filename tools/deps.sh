#!/bin/sh
# SPDX-License-Identifier: ISC
#
# need PACKAGE... installs Debian packages that are missing, and says what to
# install where there is no apt.  Sourced by run, check and .ci/run, so that a
# machine with nothing but a shell and apt needs no preparation.

missing_packages()
{
	for p in "$@"; do
		s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || s=unknown
		[ "$s" = installed ] || printf '%s ' "$p"
	done
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "need root or sudo for: $*" >&2
		return 1
	fi
}

need()
{
	if ! command -v apt-get >/dev/null 2>&1 ||
	    ! command -v dpkg-query >/dev/null 2>&1; then
		echo "No apt here; this needs what Debian packages as: $*" >&2
		return 0
	fi
	list=$(missing_packages "$@")
	[ -z "$list" ] && return 0
	echo "installing: $list" >&2
	if ! try_install $list; then
		as_root env DEBIAN_FRONTEND=noninteractive \
		    apt-get -qq update >&2 && try_install $list || {
			echo "could not install: $list" >&2
			return 1
		}
	fi
}

# The output matters only when it fails.
try_install()
{
	out=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install \
	    -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" 2>&1) && return 0
	printf '%s\n' "$out" | tail -n 3 >&2
	return 1
}

# require_commands NAME...: says which of these programs is not there.
require_commands()
{
	ok=0
	for c in "$@"; do
		command -v "$c" >/dev/null 2>&1 && continue
		echo "missing: $c" >&2
		ok=1
	done
	return $ok
}
