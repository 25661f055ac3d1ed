# shellcheck shell=sh
# The guard of a host lab: ends what the bench has started, also when the bench itself cannot.
# Takes a line "+GROUP" for each process group that starts and "-GROUP" for each that has ended. When its standard
# input closes, which the kernel sees to when the bench is gone, it kills the groups that are left.
groups=" "
while read -r line; do
  case $line in
    +*) groups="$groups${line#+} " ;;
    -*) groups="${groups%% "${line#-}" *} ${groups#* "${line#-}" }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done

# A process that has left its group, as a daemon does, still has our mark in its environment.
# shellcheck disable=SC2013 # paths of /proc are single words
for environment in $(grep -lzs "^TIMEWAIT_LAB=$1\$" /proc/[0-9]*/environ); do
  pid=${environment#/proc/}
  kill -KILL "${pid%/environ}" 2>/dev/null
done
exit 0
