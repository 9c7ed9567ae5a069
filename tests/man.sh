#!/bin/sh
# SPDX-License-Identifier: ISC
#
# man.sh SOURCE_DIR CC FLAGS LIBRARY...: the manual pages are clean, name every
# function, and each example in them compiles and runs.  Libraries of a page are
# in the order for the linker; without the add-ons' theirs are only read.
src=$1
cc=$2
flags=$3
shift 3
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

case " $*" in
*/libimsg-proc.a*) ;;
*)
	skip "the examples of the add-ons" "this build leaves them out"
	grep -lE '^#include <imsg_(loop|call|proc)' "$tmp"/*.c |
	    while read -r ex; do
		rm "$ex"
	done ;;
esac
for ex in "$tmp"/*.c; do
	name=${ex##*/}
	check "$name compiles" $cc -std=c11 -Wall -Wextra -Wpedantic \
	    -Wconversion -Werror $flags -I"$src/include" -o "${ex%.c}" "$ex" \
	    "$@"
	runs "$name runs" $wrapper "${ex%.c}"
done

: >"$tmp/missing"
for f in $(sed -n 's/^- `\([a-z0-9_]*\)`.*/\1/p' "$src/docs/SYMBOLS.md"); do
	grep -qE "^\.(F[no]|Vt .*) \"?$f( |\"|;|\$)" "$src"/man/*.3 ||
	    echo "$f" >>"$tmp/missing"
	grep -qE "^\.Nm $f( ,)?\$" "$src"/man/*.3 || echo "$f" >>"$tmp/missing"
done
check "every function has a name and a synopsis" sh -c "
    cat '$tmp/missing'; [ ! -s '$tmp/missing' ]"
done_testing
