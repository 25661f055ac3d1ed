# shellcheck shell=sh
# The first process of a loopback lab, as private_lab.sh is that of a private lab. The hosts are this one network
# namespace, and it has nothing but its loopback.
set -eu
PATH=$PATH:/usr/sbin:/sbin
read -r pid _ </proc/self/stat
ip link set lo up
echo "ready $pid"
exec cat >/dev/null
