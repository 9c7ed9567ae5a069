#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Sourced by what runs the test suite in builds of many kinds: one line for
# each, and in the end the figures.

passed=0
failed=0

line()
{
	printf '%-14s %-8s %s\n' "$1" "$2" "$3"
}

# The figure that meson printed behind this word.
counted()
{
	sed -n "s/^$1: *\([0-9]*\).*/\1/p" "$2" | tail -n 1
}

# suite_failed NAME TEXT LOG PATTERN: and the lines of the log that say why.
suite_failed()
{
	failed=$((failed + 1))
	line "$1" FAILED "$2"
	grep -E "$4" "$3" | sort -u | head -n 20
}

# suite_build NAME BUILD LOG CONFIGURE...: configures with that command.
suite_build()
{
	suite_name=$1
	suite_dir=$2
	suite_log=$3
	shift 3
	{ "$@" && ninja -C "$suite_dir"; } >"$suite_log" 2>&1 && return 0
	suite_failed "$suite_name" "build, see $suite_log" "$suite_log" \
	    'error|warning|ERROR'
	return 1
}

# suite_test NAME BUILD LOG [OPTIONS OR TESTS...]
suite_test()
{
	suite_name=$1
	suite_dir=$2
	suite_log=$3
	shift 3
	meson test -C "$suite_dir" --no-rebuild --print-errorlogs \
	    --timeout-multiplier=4 "$@" >"$suite_log" 2>&1
	suite_status=$?
	n=$(counted Ok "$suite_log")
	if [ $suite_status -eq 0 ] && [ "${n:-0}" -gt 0 ]; then
		passed=$((passed + 1))
		line "$suite_name" ok "$n tests"
		return 0
	fi
	suite_failed "$suite_name" "$n tests ok, see $suite_log" "$suite_log" \
	    ' (FAIL|TIMEOUT|ERROR) '
	return 1
}

suite_figures()
{
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
