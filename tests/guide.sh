#!/bin/sh
# SPDX-License-Identifier: ISC
#
# guide.sh SOURCE_DIR BUILD_DIR CC: docs/GUIDE.md does what it says.  Its files
# are made in an empty folder, in the order of the text, its commands are run
# against the installed library, and must print what is shown.
#
# A mark stands before each block:
#	<!-- file NAME -->		all of the file
#	<!-- append NAME -->		more at its end
#	<!-- replace NAME WHAT -->	the definition of WHAT in it
#	<!-- run -->			commands after "$ ", and what they print
# Numbers of three and more digits differ from run to run and may be others.
src=$1
build=$2
cc=$3
doc=$src/docs/GUIDE.md
. "$src/tests/tap.sh"
. "$src/tests/installed.sh"

# Only on Linux; other systems have no /proc/PID/status.
for c in pkill pgrep; do
	command -v $c >/dev/null 2>&1 || {
		skip "the guide" "no $c (Debian: procps)"
		done_testing
	}
done

work=$tmp/work
mkdir -p "$work" "$tmp/blocks" "$tmp/bin" "$tmp/empty"

# Block number N goes to blocks/N; a line "N KIND NAME WHAT" each to list.
awk -v dir="$tmp/blocks/" '
/^<!-- (file|append|replace|run)/ { mark = $0; next }
/^```/ && on { close(dir n); on = 0; mark = ""; next }
/^```/ {
	if (mark == "" && $0 != "```") {
		print "line " NR ": no mark before this block"; exit 1
	}
	if (mark != "") {
		n++; on = 1; printf "" >(dir n)
		gsub(/<!-- | -->/, "", mark); print n, mark >(dir "list")
	}
	next
}
on { print >(dir n) }
!on && mark != "" && !/^$/ { print "line " NR ": a mark without block"; exit 1 }
' "$doc" >"$tmp/awk" || not_ok "every block has a mark: $(cat "$tmp/awk")"
sed -i "s|\"/var/empty\"|\"$tmp/empty\"|" "$tmp"/blocks/[0-9]*

# replace FILE WHAT BLOCK: a function from the line with its type on, or a
# variable, to the first "}" in the first column, and a comment before it.
replace()
{
	awk -v what="$2" -v block="$3" '
	{ line[NR] = $0 }
	END {
		for (i = 1; i <= NR && !at; i++) {
			if (line[i] ~ "^" what "\\(")
				at = i - 1
			else if (line[i] ~ "^static .*[ *]" what "\\[\\] = ")
				at = i
		}
		if (!at) { print "no " what >"/dev/stderr"; exit 1 }
		for (i = 1; i < at; i++)
			print line[i]
		while ((getline l <block) > 0)
			print l
		for (i = at; line[i] !~ /^}/; i++)
			;
		while (++i <= NR)
			print line[i]
	}' "$1" >"$tmp/replaced" && cp "$tmp/replaced" "$1"
}

# The commands of a block as a script that prints what a terminal shows; after
# a daemon was started it waits for "ready" in its log, as a reader does.
script()
{
	awk -v q="'" '/^\$ / {
		cmd = substr($0, 3); shown = $0
		gsub(q, q "\\" q q, shown)
		print "printf " q "%s\\n" q " " q shown q
		print cmd
		if (cmd ~ /&$/)
			print "await_ready"
	}' "$1"
}

await_ready()
{
	tries=0
	until grep -q ready log 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { echo "not ready:"; cat log; return; }
		sleep 0.05
	done
}

# $cc under the name that the guide calls it.
set -- $cc
first=$(command -v "$1")
shift
printf '#!/bin/sh\nexec %s "$@"\n' "$first $*" >"$tmp/bin/cc"
chmod +x "$tmp/bin/cc"
PATH=$tmp/bin:$PATH

plain()
{
	sed 's/[0-9][0-9][0-9][0-9]*/N/g' "$1"
}

cd "$work" || exit 1
runs=0
while read -r n kind name what; do
	block=$tmp/blocks/$n
	case $kind in
	file)
		mkdir -p "$(dirname "$name")"
		cp "$block" "$name" ;;
	append)
		cat "$block" >>"$name" ;;
	replace)
		check "$what is in $name" replace "$name" "$what" "$block" ;;
	run)
		runs=$((runs + 1))
		step=$(sed -n "1,/^\$ /p" "$block" | tail -n 1)
		script "$block" >"$tmp/script"
		rm -f log
		. "$tmp/script" >"$tmp/printed" 2>&1 </dev/null
		plain "$block" >"$tmp/shown.plain"
		plain "$tmp/printed" >"$tmp/printed.plain"
		check "commands $runs print what the guide shows" \
		    diff "$tmp/shown.plain" "$tmp/printed.plain" ;;
	esac
done <"$tmp/blocks/list"
check "there are commands" [ "$runs" -ge 6 ]

# The messages in its table of troubles are those of the library.
while read -r words; do
	check "\"$words\" is what the library says" sh -c "
	    sed -n '/^## When/,/^## From/p' '$doc' | grep -qF '$words' &&
	    cat '$src'/proc/*.c | grep -qF '$words'"
done <<'END'
there is no user
only root can lock it in
there is none
no channel to
not allowed by its promises
the parent is gone
END

for f in *.c ask/*.c; do
	check "$f: lines are at most 80 columns" sh -c \
	    "! expand -t 8 '$f' | grep -n '.\{81\}'"
done
done_testing
