# SPDX-License-Identifier: ISC
# Completion of imsgdump for bash.

_imsgdump()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local i word

	COMPREPLY=()
	# Behind "--", or the first word that is no option, is another command.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--)
			_imsgdump_command $((i + 1))
			return ;;
		-[HcfmoprwW])
			((i++)) ;;
		--color|--colour)
			# bash splits at "="
			[[ ${COMP_WORDS[i+1]} == = ]] && ((i++))
			((i++)) ;;
		-*|=) ;;
		*)
			_imsgdump_command "$i"
			return ;;
		esac
	done
	if [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	elif [[ $cur == = ]]; then
		cur=
	fi
	case $prev in
	-p)
		COMPREPLY=($(compgen -W "$(ps -eo pid= 2>/dev/null)" -- "$cur"))
		return ;;
	-H)
		COMPREPLY=($(compgen -f -X '!*.[ch]' -- "$cur")
		    $(compgen -d -S / -- "$cur"))
		compopt -o nospace 2>/dev/null
		return ;;
	-r)
		COMPREPLY=($(compgen -f -X '!*.pcap*' -- "$cur")
		    $(compgen -d -S / -- "$cur"))
		return ;;
	-o|-w)
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	-f)
		COMPREPLY=($(compgen -W \
		    "type name pid peer from to length fd channel event" -- "$cur"))
		return ;;
	-c|-m)
		return ;;
	--color|--colour)
		COMPREPLY=($(compgen -W "auto always never" -- "$cur"))
		return ;;
	esac
	COMPREPLY=($(compgen -W "-A -F -H -V -c -f -h -m -o -p -q -r -w -x --text
	    --json --summary --sequence --color= --help --version --" -- "$cur"))
	[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}

# What stands behind word $1 is completed as a command line of its own.
_imsgdump_command()
{
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		COMPREPLY=($(compgen -c -- "${COMP_WORDS[COMP_CWORD]}"))
	else
		COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
	fi
}

complete -F _imsgdump imsgdump
