# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# A machine of its own in the sandbox: Debian in a directory, started by its systemd, with the
# sandbox's network. To be sourced behind lib.sh. It ends with the sandbox or when the test ends;
# all that it mounts is in a mount namespace of its own.

guest=$dir/guest
guest_group=ladder.${dir##*.}
guest_init=''
guest_path=/usr/sbin:/usr/bin:/sbin:/bin

for program_needed in debootstrap unshare nsenter; do
	command -v $program_needed >/dev/null || skip_all "needs $program_needed: run tests/packages test"
done

# in_cgroups COMMAND...: in /mnt are the control groups of the machine, as systemd wants them.
in_cgroups() {
	unshare -m bash -c 'mount -t cgroup2 none /mnt && cd /mnt && "$@"' bash "$@"
}
in_cgroups true 2>/dev/null || skip_all 'needs control groups of version 2'

clean_up_guest() {
	[[ -z $guest_init ]] || kill -KILL "$guest_init" 2>/dev/null
	"$sandbox" down "$dir"
	# They can be removed once the last process has gone.
	await 20 in_cgroups bash -c '[[ ! -d $1 ]] || find "$1" -depth -type d -exec rmdir {} +' \
		bash "$guest_group" >/dev/null 2>&1
}
trap clean_up_guest EXIT

# The archive that this machine has its packages from.
debian_archive() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk -v name="$1" '$2 == name { print $1; exit }'
}

# make_guest PACKAGE...: a new Debian with these, as they are after their installation.
make_guest() {
	local release archive
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	archive=$(debian_archive "$release")
	# In namespaces, as it mounts /proc there.
	unshare -m -p -f --kill-child debootstrap --variant=minbase \
		--include="$(IFS=,; echo "$*")" "$release" "$guest" "${archive:-http://deb.debian.org/debian}"
}

# in_root COMMAND...: in it, before it is started; with the network of this machine.
in_root() {
	unshare -m -p -f --kill-child chroot "$guest" env -i PATH=$guest_path HOME=/root \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# To be run in a new mount namespace: DIRECTORY becomes the root of its systemd. What it may not
# write is what the kernel has once for all.
boot_guest() {
	local root=$1 node
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty; do
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root"/dev/{pts,shm}
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	mount -t tmpfs -o mode=755 run "$root/run"
	mount -t tmpfs tmp "$root/tmp"
	cd "$root" || return
	mkdir mnt/old
	pivot_root . mnt/old
	umount -l /mnt/old
	rmdir /mnt/old
	hostname mail
	exec env -i container=sandbox PATH="$guest_path" /lib/systemd/systemd --log-target=console
}

# In control groups of its own, which systemd takes for all that there are.
enter_group() {
	mount -t cgroup2 none /mnt
	echo $$ >"/mnt/$guest_group/cgroup.procs"
	umount /mnt
	exec unshare -m -p -u -i -C -f --kill-child bash -ec 'boot_guest "$1"' bash "$1"
}

# start_guest: its systemd, as process 1 in the network of the sandbox; true once it is up.
start_guest() {
	local holder
	read -r holder _ <"$dir/world/holder"
	in_cgroups mkdir "$guest_group" || return
	(
		export guest_path guest_group
		export -f boot_guest enter_group
		exec unshare -m nsenter --net="/proc/$holder/ns/net" bash -ec 'enter_group "$1"' bash "$guest"
	) </dev/null >"$dir/guest.out" 2>&1 &
	guest_parent=$!
	guest_init=$(await 20 find_guest) || return
	await 60 is_up >/dev/null
}

find_guest() {
	local pid
	pid=$(pgrep -P "$guest_parent") && [[ $(readlink "/proc/$pid/exe") == */systemd/systemd ]] && echo "$pid"
}

# in_guest COMMAND...: in it, when it runs.
in_guest() {
	nsenter -a -t "$guest_init" -- env -i PATH=$guest_path HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

is_up() {
	[[ $(in_guest systemctl is-system-running 2>/dev/null) == @(running|degraded) ]]
}
