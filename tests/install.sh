#!/bin/sh
# SPDX-License-Identifier: ISC
#
# install.sh SOURCE_DIR BUILD_DIR CC LIBRARY: what gets installed is complete,
# and a program finds it with pkg-config alone.
src=$1
build=$2
cc=$3
. "$src/tests/tap.sh"

root=$tmp/root
check "installs" meson install -C "$build" --no-rebuild --destdir "$root"
pc=$(find "$root" -name libimsg.pc)
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=${pc%/*}
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
libdir=$(dirname "$PKG_CONFIG_PATH")

sed -n '/^```c$/,/^```$/p' "$src/README.md" | sed '/^```/d' >"$tmp/readme.c"
check "the README shows examples/readme.c" \
    cmp "$tmp/readme.c" "$src/examples/readme.c"
# build OUTPUT FLAGS...: compiles the README program
flags_of()
{
	# A sanitized library wants its runtime in the program, too.
	${NM:-nm} -D "$libdir/libimsg.so" | grep -q ' __asan_init' &&
	    echo "-fsanitize=address,undefined"
	pkg-config --cflags --libs "$1"
}
says_hello()
{
	[ "$(env LD_LIBRARY_PATH="$libdir" $wrapper "$1")" = "type 7: hello" ]
}
for name in libimsg libimsg78; do
	check "pkg-config $name builds the README program" \
	    $cc -Wall -Wextra -Werror -o "$tmp/$name" "$tmp/readme.c" \
	    $(flags_of $name)
	runs "and it runs with the installed library ($name)" says_hello \
	    "$tmp/$name"
done
check "libimsg78 asks for API 78" \
    sh -c 'pkg-config --cflags libimsg78 | grep -q IMSG_API_VERSION=78'
check "libimsg does not" \
    sh -c '! pkg-config --cflags libimsg | grep -q IMSG_API_VERSION'
check "the static library is installed" test -f "$libdir/libimsg.a"
check "the header is installed as <imsg.h>" \
    sh -c "[ -n \"\$(find '$root' -path '*/include/imsg.h')\" ]"
check "the library names its version" test -f "$libdir/libimsg.so.1"

mkdir -p "$tmp/project/subprojects"
cp "$src/examples/readme.c" "$tmp/project"
mkdir "$tmp/lib"
cp -R "$src/meson.build" "$src/meson_options.txt" "$src/include" \
    "$src/src" "$src/man" "$tmp/lib"
mv "$tmp/lib" "$tmp/project/subprojects/libimsg"
cat >"$tmp/project/meson.build" <<'END'
project('program', 'c', default_options: 'c_std=gnu11')
executable('program', 'readme.c',
  dependencies: dependency('libimsg', fallback: 'libimsg'))
END
# The system that is built for stands in the file that Meson was given.
cross=$(sed -n "s/^cross_file = \[\(.*\)\]\$/\1/p" \
    "$build/meson-private/cmd_line.txt" | tr -d "',")
subproject()
{
	unset PKG_CONFIG_PATH LD_LIBRARY_PATH
	if [ -n "$cross" ]; then
		set --
		for f in $cross; do
			set -- "$@" --cross-file "$f"
		done
	else
		CC=$cc
		export CC
		set --
	fi
	meson setup "$@" "$tmp/b" "$tmp/project" && ninja -C "$tmp/b"
}
check "builds as a Meson subproject" subproject
runs "and the program runs" says_hello "$tmp/b/program"

man=$(find "$root" -type d -name man3)
sed -n 's/^- `\([a-z0-9_]*\)`.*/\1/p' "$src/docs/SYMBOLS.md" >"$tmp/names"
: >"$tmp/missing"
while read -r f; do
	[ -s "$man/$f.3" ] || echo "$f.3" >>"$tmp/missing"
done <"$tmp/names"
check "every function has a manual page" test ! -s "$tmp/missing"
check "imsg.7 is installed" test -s "$man/../man7/imsg.7"
done_testing
