# SPDX-License-Identifier: ISC
#
# Sourced, after deps.sh, by what tries packages: a chroot in $root, of this
# machine's release, $suite; its base is kept as $base.  $work is for notes.

no_root()
{
	[ ! -d "$root" ] || as_root rm -rf --one-file-system "$root"
}

# The places this machine's apt takes this release from, for a sources.list.
sources()
{
	apt-get indextargets --format \
	    '$(ORIGIN) $(COMPONENT) $(CODENAME) deb $(REPO_URI) $(RELEASE) main' \
	    'Created-By: Packages' |
	    sed -nE "s/^Debian main ${suite:-none}(-updates|-security)? deb/deb/p" |
	    sort -u
}

# network COMMAND...: as root, who still needs the way to the network
network()
{
	as_root env http_proxy="${http_proxy:-}" \
	    https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" "$@"
}

# inside COMMAND...: in the chroot, with nothing of the caller's but the way to
# the network.  Mounts and processes end with it.
inside()
{
	as_root unshare --mount --pid --fork --kill-child \
	    --mount-proc="$root/proc" chroot "$root" env -i HOME=/root \
	    PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
	    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
	    no_proxy="${no_proxy:-}" "$@"
}

# put FILE NAME: a file of this machine into the chroot
put()
{
	[ ! -f "$1" ] || { as_root mkdir -p "$root/${2%/*}" &&
	    as_root cp -L "$1" "$root/$2"; }
}

install()
{
	inside apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
	    install "$@"
}

make_base()
{
	mirror=$(sed -n "s/^deb \(.*\) $suite main\$/\1/p" "$work/sources.list" |
	    head -n 1)
	network nice debootstrap --variant=minbase "$suite" "$root" "$mirror" &&
	    as_root tar -C "$root" -cf "$base.part" . &&
	    as_root mv "$base.part" "$base"
	status=$?
	no_root
	return $status
}

unpack_base()
{
	apt-config dump | grep -E '^Acquire::(https?::|Check-)' \
	    >"$work/apt.conf"
	mkdir "$root" && as_root tar -C "$root" -xpf "$base" &&
	    put "$work/apt.conf" etc/apt/apt.conf.d/10machine &&
	    put "$work/sources.list" etc/apt/sources.list &&
	    put /etc/resolv.conf etc/resolv.conf &&
	    put /etc/hosts etc/hosts &&
	    put /etc/ssl/certs/ca-certificates.crt \
		etc/ssl/certs/ca-certificates.crt &&
	    inside apt-get -qq update &&
	    inside apt-get -qq -y -o Dpkg::Use-Pty=0 upgrade
}
