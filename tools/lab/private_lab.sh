# shellcheck shell=sh
# The first process of a private lab: PID 1 of its PID namespace, root of its user namespace only.
# Makes one network namespace for each host, joins each pair with a veth link, says that it is ready, and stays
# until its standard input closes, which the kernel sees to when the bench is gone. With PID 1 the kernel ends
# every process in here, and with the last process the namespaces go.
set -eu
PATH=$PATH:/usr/sbin:/sbin

# /proc is the one outside, so this is the process id that the bench can use.
read -r pid _ </proc/self/stat

# `ip netns` keeps its names in /run/netns. This /run is the lab's own: the mount namespace is private.
# /run/timewait is for files that shall end with the lab.
mount -t tmpfs timewait /run
mkdir /run/netns /run/timewait

for host in client gateway backend; do
  ip netns add "$host"
  ip -n "$host" link set lo up
done

# link HOST ADDRESS HOST ADDRESS: each end is named for the host it leads to.
link() {
  ip link add "$3" netns "$1" type veth peer name "$1" netns "$3"
  ip -n "$1" address add "$2" peer "$4" dev "$3"
  ip -n "$3" address add "$4" peer "$2" dev "$1"
  ip -n "$1" link set "$3" up
  ip -n "$3" link set "$1" up
}
link client "$CLIENT" gateway "$GATEWAY"
link gateway "$GATEWAY" backend "$BACKEND"
link client "$CLIENT" backend "$BACKEND"

echo "ready $pid"
exec cat >/dev/null
