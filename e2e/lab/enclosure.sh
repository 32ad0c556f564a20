# The first process of a lab, started by enclosure.ts in fresh mount, network and process namespaces: everything in the lab is below
# it, and ends with it. It hides the host's /run behind memory, says which process it is, and then lives as long as its standard
# input is open, or, once it reads "stay" there, until it is killed.
set -eu
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lab/bin /run/lab/log /run/lab/machines
: > /run/lab/hosts
ip link set dev lo up

# As /proc numbers it, which is the host's still.
read -r pid rest < /proc/self/stat
echo "$pid"
exec >/dev/null 2>&1 3<&0

# `wait` also reaps what is orphaned meanwhile, which is this process's duty; `read` would not.
{
  read -r word <&3 || exit 0
  [ "$word" = stay ] && exec 3<&- sleep infinity
} &
wait
