#!/bin/sh
# SPDX-License-Identifier: ISC
#
# man.sh SOURCE_DIR CC LIBRARY FLAGS [LIBRARY...]: the manual pages are clean,
# name every function, and each example in them compiles and runs; those of the
# add-ons with their libraries, which come after FLAGS if they are built.
src=$1
cc=$2
lib=$3
flags=$4
shift 4
. "$src/tests/tap.sh"

# Lines between ".\" example: NAME" with its .Bd and the next .Ed, with the
# escapes of roff undone.
awk -v dir="$tmp" '
/^\.\\" example: / { file = dir "/" $3; next }
file != "" && /^\.Bd/ { on = 1; next }
on && /^\.Ed/ { close(file); on = 0; file = ""; next }
on { gsub(/\\&/, ""); gsub(/\\e/, "\\"); gsub(/\\-/, "-"); print >file }
' "$src"/man/*.[37]

for page in "$src"/man/*.[37]; do
	name=${page##*/}
	# Whether other pages are installed here is not this page's fault.
	if command -v mandoc >/dev/null 2>&1; then
		check "$name: mandoc has nothing to say" sh -c "
		    out=\$(mandoc -T lint -W style '$page' 2>&1 |
		    grep -vE 'outdated mandoc.db|referenced manual not found')
		    echo \"\$out\"; [ -z \"\$out\" ]"
	else
		skip "$name: mandoc has nothing to say" "no mandoc"
	fi
	check "$name: has an example" grep -q '^\.\\" example: ' "$page"
done

for ex in "$tmp"/*.c; do
	name=${ex##*/}
	if [ $# -eq 0 ] && grep -q '<imsg_.*>' "$ex"; then
		skip "$name compiles" "this build leaves the add-ons out"
		continue
	fi
	check "$name compiles" $cc -std=c11 -Wall -Wextra -Wpedantic \
	    -Wconversion -Werror $flags -I"$src/include" -o "${ex%.c}" "$ex" \
	    "$@" "$lib"
	runs "$name runs" $wrapper "${ex%.c}"
done

: >"$tmp/missing"
for f in $(sed -n 's/^- `\([a-z0-9_]*\)`$/\1/p' "$src/docs/SYMBOLS.md"); do
	grep -qE "^\.F[no] \"?$f( |\"|\$)" "$src"/man/*.3 || echo "$f" \
	    >>"$tmp/missing"
	grep -qE "^\.Nm $f( ,)?\$" "$src"/man/*.3 || echo "$f" >>"$tmp/missing"
done
check "every function has a name and a synopsis" sh -c "
    cat '$tmp/missing'; [ ! -s '$tmp/missing' ]"

# The add-ons: what a header declares is in the page of its name, and linked.
for page in imsg_call imsg_loop imsg_proc; do
	: >"$tmp/missing"
	$cc -E -P -I"$src/include" "$src/include/$page.h" |
	    grep -oE "\bimsg${page#imsg_}_[a-z_]+\(" | sort -u | tr -d '(' |
	    grep -v '_cb$' >"$tmp/names"
	while read -r f; do
		grep -qE "^\.Nm $f( ,)?\$" "$src/man/$page.3" &&
		    grep -qE "^\.F[no] \"?$f( |\"|\$)" "$src/man/$page.3" &&
		    grep -qx "$f $page" "$src/man/links.txt" ||
		    echo "$f" >>"$tmp/missing"
	done <"$tmp/names"
	check "$page.3 has every function, and links" sh -c "
	    cat '$tmp/missing'; [ -s '$tmp/names' ] && [ ! -s '$tmp/missing' ]"
done
done_testing
