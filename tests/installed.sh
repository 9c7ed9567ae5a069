# SPDX-License-Identifier: ISC
# Sourced after tap.sh with $src and $build: installs the build to $tmp/root,
# readable for everybody, and points pkg-config and the loader there.
root=$tmp/root
check "installs" meson install -C "$build" --no-rebuild --destdir "$root"
pc=$(find "$root" -name libimsg-proc.pc)
[ -n "$pc" ] || done_testing
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=${pc%/*}
LD_LIBRARY_PATH=${pc%/pkgconfig/*}
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH LD_LIBRARY_PATH
chmod -R a+rX "$tmp"
