#!/bin/sh
# Copies the packet filter's programs, what they load, and nothing else into the directory $1, each where it was.
set -eu
target=$1
mkdir -p "$target/tmp" "$target/run" "$target/var" "$target/etc"
# Container runtimes name namespaces by /var/run/netns.
ln -s ../run "$target/var/run"

# Follows links, each of which is kept: iptables is one program with many names.
copy() {
  for path in "$@"; do
    directory=$(dirname "$path")
    mkdir -p "$target$directory"
    [ -e "$target$path" ] || [ -L "$target$path" ] || cp -P "$path" "$target$path"
    if [ -L "$path" ]; then
      case $(readlink "$path") in
        /*) copy "$(readlink "$path")" ;;
        *) copy "$directory/$(readlink "$path")" ;;
      esac
    fi
  done
}

libraries_of() {
  for file in "$@"; do ldd "$file" 2>/dev/null | sed -n 's/.*[ \t]\(\/[^ ]*\) (0x.*/\1/p'; done | sort -u
}

# In a root whose /bin and /lib are links these come first, or copies would make directories of them.
for name in bin sbin lib lib32 lib64; do
  if [ -L "/$name" ]; then
    cp -P "/$name" "$target/$name"
    mkdir -p "$target/$(readlink "/$name" | sed 's,^/,,')"
  fi
done

programs=$(for name in nft ipset \
  iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore \
  iptables-nft iptables-nft-save iptables-nft-restore ip6tables-nft ip6tables-nft-save ip6tables-nft-restore \
  iptables-legacy iptables-legacy-save iptables-legacy-restore ip6tables-legacy ip6tables-legacy-save ip6tables-legacy-restore; do
  command -v "$name"
done)
extensions=$(find / -xdev -path '*/xtables/*.so' -not -path "$target/*")
# shellcheck disable=SC2086 # one word each
copy $programs $extensions $(libraries_of $programs $extensions) /etc/protocols /etc/services
for path in /etc/ssl/certs/ca-certificates.crt /etc/nsswitch.conf; do [ ! -e "$path" ] || copy "$path"; done

# What is given away needs its license: Debian's texts of each package that something was copied from, and those they refer to.
find "$target" -type f | sed "s,^$target,," | while read -r path; do
  dpkg-query --search "$path" 2>/dev/null || dpkg-query --search "${path#/usr}" 2>/dev/null || true
done | sed 's/[:,].*//' | sort -u | while read -r package; do
  [ ! -e "/usr/share/doc/$package/copyright" ] || copy "/usr/share/doc/$package/copyright"
done
copy /usr/share/common-licenses/*
