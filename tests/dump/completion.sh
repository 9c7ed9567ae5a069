#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What bash and zsh offer behind "imsgdump" on the command line, asked from the
# shells themselves.
: "${top:?}"
. "$top/tests/tap.sh"
mkdir "$tmp/dir"
: >"$tmp/proto.h"
: >"$tmp/proto.c"
: >"$tmp/one.pcap"
: >"$tmp/two.pcapng"
: >"$tmp/other.txt"
cd "$tmp" || exit 1

# in_bash WORD...: what is offered for the last word, sorted, on a line.
in_bash()
{
	bash --norc --noprofile -c '
	. "$0"
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_imsgdump 2>/dev/null
	printf "%s\n" "${COMPREPLY[@]}"' \
	    "$top/tools/completion/imsgdump.bash" "$@" | sort | xargs
}

# in_zsh LINE: what a Tab lists behind it in an interactive shell.
in_zsh()
{
	zsh -f "$top/tests/dump/zsh-complete" "$top/tools/completion" "$1" |
	    sort | xargs
}

is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		echo "# wanted: $2"
		echo "# got:    $3"
	fi
}

if command -v bash >/dev/null 2>&1; then
	is "bash: long options" "--sequence --summary" \
	    "$(in_bash imsgdump --s)"
	is "bash: headers and directories behind -H" "dir/ proto.c proto.h" \
	    "$(in_bash imsgdump -H '')"
	is "bash: captures behind -r" "dir/ one.pcap two.pcapng" \
	    "$(in_bash imsgdump -r '')"
	is "bash: any file behind -o" "other.txt" "$(in_bash imsgdump -o oth)"
	is "bash: fields behind -f" "length" "$(in_bash imsgdump -x -f len)"
	is "bash: nothing behind -c" "" "$(in_bash imsgdump -c '')"
	is "bash: when to colour" "always auto" \
	    "$(in_bash imsgdump --color = a)"
	is "bash: when to colour, nothing typed" "always auto never" \
	    "$(in_bash imsgdump --color =)"
	is "bash: this shell among the processes" "$$" \
	    "$(in_bash imsgdump -p "$$")"
	case " $(in_bash imsgdump -x -- l) " in
	*" ls "*) ok "bash: commands behind --" ;;
	*) not_ok "bash: commands behind --" ;;
	esac
	is "bash: files behind the command" "proto.c proto.h" \
	    "$(in_bash imsgdump -H proto.h ls proto)"
else
	skip "bash" "no bash"
fi
if command -v zsh >/dev/null 2>&1; then
	is "zsh: long options" "--sequence --summary" "$(in_zsh 'imsgdump --s')"
	is "zsh: headers behind -H" "dir proto.c proto.h" \
	    "$(in_zsh 'imsgdump -H ')"
	is "zsh: captures behind -r" "dir one.pcap two.pcapng" \
	    "$(in_zsh 'imsgdump -r ')"
	is "zsh: when to colour" "always auto" "$(in_zsh 'imsgdump --color=a')"
	is "zsh: one shape only" "" "$(in_zsh 'imsgdump --json --su')"
	is "zsh: files behind the command" "proto.c proto.h" \
	    "$(in_zsh 'imsgdump -- ls proto')"
else
	skip "zsh" "no zsh"
fi
done_testing
