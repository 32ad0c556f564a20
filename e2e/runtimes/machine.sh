# The first process of a machine of its own, started in fresh mount, network and process namespaces by machine.ts. It hides every
# directory a container runtime writes to behind memory, builds the network, says "ready", and at the end of its standard input
# ends everything and takes the cgroups back. Arguments: the machine's name; an IPv4 and an IPv6 prefix of the link, or "-".
set -eu
name=$1 link4=$2 link6=$3

# The working directory is the build's; it stays reachable through "." while the tree above it is being covered.
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/etc /mnt/work /mnt/build
mount --bind . /mnt/build
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/work overlay /etc
for directory in /opt /root /run /tmp /var /dev/shm; do
  mount -t tmpfs -o mode=755 tmpfs "$directory"
done
mkdir -p /etc/cni /etc/containers /etc/containerd /opt/cni/bin /run/lock /var/lib /var/log /var/tmp
for directory in /etc/cni /etc/containers /etc/containerd; do
  mount -t tmpfs -o mode=755 tmpfs "$directory"
done
mkdir /etc/cni/net.d
chmod 1777 /tmp /var/tmp /dev/shm
ln -s /run /var/run

# /sys shows the devices of the network namespace it was mounted in. Below it cgroups of version 2 alone, as Debian 12 has them:
# where the host mixes both versions, crun refuses to start ("cgroups in hybrid mode not supported").
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# A node forwards, which is its administrator's or the agent's decision and not a plugin's. A family it does not have stays off.
[ "$link4" = - ] || echo 1 > /proc/sys/net/ipv4/ip_forward
[ "$link6" = - ] || echo 1 > /proc/sys/net/ipv6/conf/all/forwarding

# One link, with one neighbor behind it that stands for everything outside the machine. Without duplicate address detection, which
# would keep a node from asking for its neighbors during the first second or two.
ip link set lo up
ip netns add neighbor
ip link add uplink0 type veth peer name eth0 netns neighbor
at_neighbor="ip netns exec neighbor"
$at_neighbor ip link set lo up
for side in "" "$at_neighbor"; do
  if [ -n "$side" ]; then device=eth0 host=2 other=1; else device=uplink0 host=1 other=2; fi
  $side ip link set "$device" addrgenmode none
  $side ip link set "$device" up
  if [ "$link4" != - ]; then
    $side ip address add "$link4$host/24" dev "$device"
    $side ip route add default via "$link4$other"
  fi
  if [ "$link6" != - ]; then
    $side ip address add "fe80::$host/64" dev "$device" nodad
    $side ip address add "$link6$host/64" dev "$device" nodad
    $side ip route add default via "$link6$other"
  fi
done
echo ready

# `wait` also reaps what is orphaned meanwhile, which is this process's duty; `read` would not.
exec 3<&0
cat <&3 >/dev/null &
wait $! || true
kill -KILL -1
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  [ -d "/sys/fs/cgroup/$name" ] || exit 0
  find "/sys/fs/cgroup/$name" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.2
done
