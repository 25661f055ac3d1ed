# shellcheck shell=sh
# The first process of a loopback lab, as private_lab.sh is that of a private one: the hosts are this one network
# namespace, and its loopback is all there is in it.
set -eu
PATH=$PATH:/usr/sbin:/sbin
read -r pid _ </proc/self/stat
ip link set lo up
echo "ready $pid"
exec cat >/dev/null
