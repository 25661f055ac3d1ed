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

address_of() {
  case $1 in client) echo "$CLIENT" ;; gateway) echo "$GATEWAY" ;; backend) echo "$BACKEND" ;; esac
}

# Each of these is one `ip` for many commands: to start it costs more than what it does.

# add_hosts HOST...
add_hosts() {
  printf 'netns add %s\n' "$@" | ip -batch -
}

# link HOST HOST, and so on: each end is named for the host it leads to.
link() {
  while [ $# -gt 0 ]; do
    echo "link add $2 netns $1 type veth peer name $1 netns $2"
    shift 2
  done | ip -batch -
}

# bring_up HOST OTHER...: its loopback, where that is not up yet, and its ends of the links to the others.
bring_up() {
  host=$1
  shift
  {
    echo "link set lo up"
    for other in "$@"; do
      echo "address add $(address_of "$host") peer $(address_of "$other") dev $other"
      echo "link set $other up"
    done
  } | ip -n "$host" -batch -
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

# renew HOST OTHER OTHER: other namespace, same name. The old one lives on while a process is in it, so its links are cut first.
# A namespace begins with the kernel's own sysctls, so those that the old one had and the new one has not are written again.
renew() {
  sysctls "$1" >/run/sysctls
  ip -n "$2" link delete "$1" && ip -n "$3" link delete "$1" && ip netns delete "$1" && add_hosts "$1" &&
    link "$1" "$2" "$1" "$3" && bring_up "$@" && bring_up "$2" "$1" && bring_up "$3" "$1" || return
  sysctls "$1" >/run/sysctls.new
  # shellcheck disable=SC2016 # the inner shell is to expand it
  grep -Fvxf /run/sysctls.new /run/sysctls |
    in_host "$1" sh -c 'while IFS="=" read -r file value; do echo "$value" >"$file"; done' 2>/dev/null
  return 0
}

add_hosts client gateway backend
link client gateway gateway backend client backend
bring_up client gateway backend
bring_up gateway client backend
bring_up backend client gateway

echo "ready $pid"
while read -r _ host; do
  case $host in
    client) others="gateway backend" ;;
    gateway) others="client backend" ;;
    *) others="client gateway" ;;
  esac
  # shellcheck disable=SC2086 # two words
  if words=$(renew "$host" $others 2>&1); then echo "renewed $host"; else echo "failed $words" | tr '\n' ' ' && echo; fi
done
