#!/bin/sh
# SPDX-License-Identifier: ISC
#
# skeleton.sh SOURCE_DIR BUILD_DIR CC: examples/skeleton, copied elsewhere under
# another name as its README says, builds against the installed library, and its
# test passes, as whoever runs this and, for root, as nobody.
src=$1
build=$2
cc=$3
. "$src/tests/tap.sh"
. "$src/tests/installed.sh"

dir=$tmp/yourd
empty=$tmp/empty
mkdir "$empty"
cp -r "$src/examples/skeleton" "$dir"
cd "$dir" || exit 1

# The two lines of the README with sed and mv.
sed -n '/sed -i/,/for f in/s/^    //p' README.md >"$tmp/rename"
check "the README renames it" sh -e "$tmp/rename"
check "... all of it" sh -c "[ -x test.sh ] && [ -f yourd.h ] &&
    ! grep -ri skeleton . && [ -z \"\$(find . -name '*skeleton*')\" ]"
check "it builds alone" env CC="$cc" meson setup build -Dwerror=true \
    -Dwarning_level=3 -Duser=nobody -Dempty="$empty"
check "... without a warning" ninja -C build
if [ "$(uname -s)" != Linux ] || ! command -v pgrep >/dev/null 2>&1; then
	skip "its test" "not Linux, or no pgrep (Debian: procps)"
	done_testing
fi
chmod -R a+rX "$tmp"
check "its test passes" meson test -C build --no-rebuild --print-errorlogs
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null 2>&1; then
	check "... as nobody, too" setpriv --reuid=65534 --regid=65534 \
	    --clear-groups "$dir/test.sh" "$dir/build/yourd" \
	    "$dir/build/client"
else
	skip "... as nobody, too" "not root, or no setpriv (util-linux)"
fi

check "it installs" env DESTDIR="$tmp/dest" meson install -C build --no-rebuild
for f in sbin/yourd share/man/man8/yourd.8 lib/systemd/system/yourd.service; do
	check "... $f" test -s "$tmp/dest/usr/local/$f"
done
if command -v mandoc >/dev/null 2>&1; then
	check "mandoc has nothing to say" \
	    mandoc -T lint -W style -W style "$src/examples/skeleton/skeleton.8"
fi
if command -v systemd-analyze >/dev/null 2>&1; then
	# It wants the program to be there.
	sed "s|/usr/local/sbin|$dir/build|" \
	    "$tmp/dest/usr/local/lib/systemd/system/yourd.service" \
	    >"$tmp/yourd.service"
	check "systemd understands the unit" sh -c "
	    systemd-analyze verify --man=no '$tmp/yourd.service' 2>&1 |
	    grep -F yourd.service >'$tmp/said'; cat '$tmp/said'; [ ! -s '$tmp/said' ]"
else
	skip "systemd understands the unit" "no systemd-analyze"
fi
done_testing
