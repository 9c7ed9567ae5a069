# SPDX-License-Identifier: ISC
# Sourced by the test scripts: ok NAME, not_ok NAME, check NAME COMMAND...,
# runs NAME COMMAND..., skip NAME WHY, done_testing, symbols_of LIBRARY.  $tmp is
# a directory that goes away at the end, $wrapper what runs programs for another
# system, if any, $src the source directory, which the script itself sets.
set -u
tap_n=0
tap_bad=0
wrapper=${MESON_EXE_WRAPPER:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

ok()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

not_ok()
{
	tap_n=$((tap_n + 1))
	tap_bad=$((tap_bad + 1))
	echo "not ok $tap_n - $1"
}

skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

check()
{
	tap_name=$1
	shift
	if "$@" >"$tmp/out" 2>&1; then
		ok "$tap_name"
	else
		not_ok "$tap_name"
		sed 's/^/# /' "$tmp/out" | head -n 20
	fi
}

# As check, for what runs a program that was built; for another system the
# name of that program has $wrapper before it.
runs()
{
	if [ "${CAN_RUN:-true}" = true ]; then
		check "$@"
	else
		skip "$1" "programs for that system do not run here"
	fi
}

refuses()
{
	! "$@"
}

# symbols_of libimsg|libimsg-loop|libimsg-proc: the symbols that it exports, as
# docs/SYMBOLS.md says
symbols_of()
{
	case $1 in
	*-loop)	set -- '^imsg(loop|call)_' ;;
	*-proc)	set -- '^imsgproc_' ;;
	*)	set -- '^(i|msg)buf|^imsg(buf)?_' ;;
	esac
	sed -n 's/^- `\([a-z0-9_]*\)`.*/\1/p' "$src/docs/SYMBOLS.md" |
	    grep -E "$1" | sort
}

done_testing()
{
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
	exit $?
}
