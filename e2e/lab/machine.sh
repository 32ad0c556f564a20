# The first process of a node, router or host of the lab, started by machine.ts in namespaces of its own: its directories, its name,
# its sysctls. Then it says which process it is, and does nothing but reap. Arguments: the name; then sysctls as path=value.
set -eu
name=$1 own=/run/lab/machines/$1
shift
mkdir -p "$own/config" "$own/net.d" "$own/data" "$own/etc" "$own/opt" "$own/bin" "$own/lib"
hostname "$name"
read -r pid rest < /proc/self/stat

# What is written over a directory of the host goes to a directory of the machine's own. Each needs an empty one beside it.
cover() {
  rm -rf "$own/.work-$2" # of the machine's life before this one
  mkdir "$own/.work-$2"
  mount -t overlay -o "lowerdir=$3,upperdir=$own/$2,workdir=$own/.work-$2" overlay "$1"
}
cover /etc etc /etc
cover /opt opt /opt
cover /var/lib lib /var/lib
mkdir -p /etc/hextet /etc/cni/net.d /opt/cni/bin /var/lib/hextet
mount --bind "$own/config" /etc/hextet
mount --bind "$own/net.d" /etc/cni/net.d
mount --bind "$own/data" /var/lib/hextet
cover /opt/cni/bin bin /run/lab/bin

# Names come from the lab alone: what asks for others is told at once that there is nobody to ask.
rm -f /etc/hosts /etc/resolv.conf /etc/hostname
echo "$name" > /etc/hostname
: > /etc/hosts
: > /etc/resolv.conf
mount --bind /run/lab/hosts /etc/hosts

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
mount -t proc proc /proc
# Every start is a boot of its own.
cat /proc/sys/kernel/random/uuid > /run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
# Shows the interfaces of this namespace, not the host's.
mount -t sysfs sysfs /sys

for sysctl in "$@"; do
  echo "${sysctl#*=}" > "/proc/sys/${sysctl%%=*}"
done
echo "$pid"
exec </dev/null >/dev/null 2>&1
sleep infinity &
wait
