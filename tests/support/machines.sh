# shellcheck shell=sh
# Makes "machines" for tests: a network namespace for each name given, all joined by one switch. Prints its process id once
# they stand, and stays until its standard input closes. Runs as root of a user namespace of its own.
set -eu
PATH=$PATH:/usr/sbin:/sbin
mount -t tmpfs machines /run
mkdir /run/netns
ip link set lo up
ip link add switch type bridge
ip link set switch up
n=0
for name in "$@"; do
  n=$((n + 1))
  ip netns add "$name"
  ip link add "port$n" type veth peer name eth0 netns "$name"
  ip link set "port$n" master switch up
  ip -n "$name" link set lo up
  ip -n "$name" address add "198.18.1.$n/24" dev eth0
  ip -n "$name" link set eth0 up
done
read -r pid _ </proc/self/stat
echo "$pid"
exec cat >/dev/null
