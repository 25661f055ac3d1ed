# shellcheck shell=sh
# The first process of a private lab: PID 1 of its PID namespace, root of its user namespace only.
# Makes one network namespace for each host, joins each pair with a veth link, says that it is ready, and stays
# until its standard input closes, which the kernel sees to when the bench is gone. With PID 1 the kernel ends
# every process in here, and with the last process the namespaces go.
# Takes lines "renew HOST", which make a host anew: answered by "renewed HOST", or by "failed" and the reason.
set -eu
PATH=$PATH:/usr/sbin:/sbin

# /proc is the one outside, so this is the process id that the bench can use.
read -r pid _ </proc/self/stat

# `ip netns` keeps its names in /run/netns. This /run is the lab's own: the mount namespace is private.
# /run/timewait is for files that shall end with the lab.
mount -t tmpfs timewait /run
mkdir /run/netns /run/timewait

add_host() {
  ip netns add "$1" && ip -n "$1" link set lo up
}

address_of() {
  case $1 in client) echo "$CLIENT" ;; gateway) echo "$GATEWAY" ;; backend) echo "$BACKEND" ;; esac
}

# link HOST HOST: each end is named for the host it leads to.
link() {
  ip link add "$2" netns "$1" type veth peer name "$1" netns "$2" &&
    ip -n "$1" address add "$(address_of "$1")" peer "$(address_of "$2")" dev "$2" &&
    ip -n "$2" address add "$(address_of "$2")" peer "$(address_of "$1")" dev "$1" &&
    ip -n "$1" link set "$2" up &&
    ip -n "$2" link set "$1" up
}

in_host() {
  host=$1
  shift
  nsenter --net="/run/netns/$host" "$@"
}

# sysctls HOST: its own, one "FILE=VALUE" a line. Those of single devices are not among them.
sysctls() {
  in_host "$1" grep -Hs -d skip '' /proc/sys/net/core/* /proc/sys/net/ipv4/* /proc/sys/net/ipv6/* | sed 's/:/=/'
}

# renew HOST: other namespace, same name. The old one lives on while a process is in it, so its links are cut first.
# A namespace begins with the kernel's own sysctls, so those that the old one had and the new one has not are written again.
renew() {
  sysctls "$1" >/run/sysctls
  for other in client gateway backend; do
    [ "$other" = "$1" ] || ip -n "$other" link delete "$1" || return
  done
  ip netns delete "$1" && add_host "$1" || return
  for other in client gateway backend; do
    [ "$other" = "$1" ] || link "$1" "$other" || return
  done
  sysctls "$1" >/run/sysctls.new
  # shellcheck disable=SC2016 # the inner shell is to expand it
  grep -Fvxf /run/sysctls.new /run/sysctls |
    in_host "$1" sh -c 'while IFS="=" read -r file value; do echo "$value" >"$file"; done' 2>/dev/null
  return 0
}

for host in client gateway backend; do add_host "$host"; done
link client gateway
link gateway backend
link client backend

echo "ready $pid"
while read -r _ host; do
  if words=$(renew "$host" 2>&1); then echo "renewed $host"; else echo "failed $words" | tr '\n' ' ' && echo; fi
done
