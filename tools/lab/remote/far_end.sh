# shellcheck shell=sh
# The far end of a remote host: sees to it that nothing is left there. Runs as `sh -c THIS sh TOKEN`, and needs sh, cat,
# kill, sleep and /proc there, and mkdir and rm where something is pushed.
#
# Each process of the bench is a channel of its own (far_process.sh) that has TIMEWAIT_FAR=TOKEN in its environment, and so
# has all that it starts. This channel holds the lease of all of them: the bench sends a line each second. Without a line
# for ten seconds, or when its standard input closes, it kills them, removes its folder, and says so on its last line.
#
# Takes lines:
#   clock NUMBER           answered by "clock NUMBER UPTIME"
#   + GROUP                a process group that is to end with the lease
#   - GROUP                one that has ended
#   kill NAME TARGET       sends a signal to a process, or with -GROUP to a group
#   members NAME GROUP PID sends a signal to a group, but not to the process PID and those that have led to it
#   folder                 answered by "folder PATH", a folder that goes with the lease, or by "folder" where none can be
#   end                    ends it
# Every line of its own begins with the token.
# shellcheck disable=SC2154 # stat_of sets its variables by `read` and `set`
LC_ALL=C
token=$1
main=$$
lease=10
groups=
folder=

# What this shell starts is not to be taken for a process of the bench.
unset TIMEWAIT_FAR
# Somebody who no longer reads is no reason to leave anything behind.
trap '' PIPE HUP INT TERM
exec 3>&1 2>/dev/null

say() { printf '%s %s\n' "$token" "$*" >&3; }

# Sets fields of /proc/PID/stat: the state, the parent, the group, the session, and when it started, in ticks. All are empty
# for a process that has ended.
stat_of() {
  stat=
  read -r stat <"/proc/$1/stat"
  # The name, in parentheses, may hold anything.
  # shellcheck disable=SC2086 # the fields
  set -- ${stat##*) }
  state=$1 parent=$2 group=$3 session=$4 started=${20}
}

# Whether a process has the mark of the bench, which it was given by the process that started it.
is_marked() {
  [ -r "/proc/$1/environ" ] || return 1
  case $(cat "/proc/$1/environ") in *"TIMEWAIT_FAR=$token"*) return 0 ;; esac
  return 1
}

# Kills every process of the bench: those of the groups that were noted, those with the mark, and those of a session that
# one with the mark leads. New ones may start meanwhile, so it goes on until it has found none twice. `left` are those that
# cannot be killed.
kill_all() {
  pass=0
  quiet=0
  while [ "$quiet" -lt 2 ] && [ "$pass" -lt 12 ]; do
    [ "$pass" -lt 4 ] || sleep 1
    pass=$((pass + 1))
    quiet=$((quiet + 1))
    left=
    for one in $groups; do kill -KILL "-$one"; done
    for process in /proc/[0-9]*; do
      pid=${process#/proc/}
      case $pid in "$main" | "$watch") continue ;; esac
      stat_of "$pid"
      # One that has ended has no state, or is a zombie.
      case $state in '' | Z) continue ;; esac
      [ "$started" -ge "$since" ] || continue
      case " $groups " in
        *" $group "* | *" $session "*) ;;
        *)
          is_marked "$pid" || continue
          # Its note may still be on the way, and what it has started may be without the mark.
          [ "$session" != "$pid" ] || groups="$groups $pid"
          ;;
      esac
      kill -KILL "$pid"
      left="$left $pid"
      quiet=0
    done
  done
  [ -z "$folder" ] || rm -rf "$folder"
}

# Ends this channel with its last line: why, and what is left. Where nobody reads it, it is not waited for.
finish() {
  [ "$1" = killed ] || kill -KILL "$watch"
  kill_all
  { sleep 2; kill -KILL "$main" "$watch"; } >/dev/null 3>&1 &
  say "ended $1$left"
  kill -KILL $!
  exit 0
}

signal_members() {
  keep=" "
  pid=$3
  while [ "${pid:-0}" -gt 1 ]; do
    keep="$keep$pid "
    stat_of "$pid"
    pid=$parent
  done
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    stat_of "$pid"
    [ "$group" = "$2" ] || continue
    case $keep in *" $pid "*) ;; *) kill "-$1" "$pid" ;; esac
  done
}

# A folder that nobody else can read, in the first place where a program may be written.
make_folder() {
  for place in "${TMPDIR:-/tmp}" /dev/shm /var/tmp /run; do
    folder=$place/timewait.$token
    (umask 077 && mkdir "$folder") && return
  done
  folder=
}

# What this host is. Nothing of its environment is told.
introduce() {
  say "is kernel $(cat /proc/sys/kernel/osrelease)"
  say "is architecture $(uname -m || cat /proc/sys/kernel/arch)"
  say "is boot $(cat /proc/sys/kernel/random/boot_id)"
  say "is network $(readlink /proc/self/ns/net)"
  # shellcheck disable=SC3045 # every sh that is used has -H
  say "is files $(ulimit -Hn)"
  while read -r name value _; do
    case $name in Uid:) say "is uid $value" ;; Cpus_allowed_list:) say "is cpus $value" ;; esac
  done </proc/self/status
  cgroup=
  while IFS=: read -r number _ path; do [ "$number" != 0 ] || cgroup=$path; done </proc/self/cgroup
  # shellcheck disable=SC2046 # two numbers, which may stand in two lines
  say is quota $(cat "/sys/fs/cgroup$cgroup/cpu.max" || cat /sys/fs/cgroup/cpu.max ||
    cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)
  for program in bash setsid wrk deno; do say "is $program $(command -v "$program")"; done
}

for tool in cat sleep; do
  command -v "$tool" >&2 || {
    say "ended no_$tool"
    exit 0
  }
done
pid=
read -r pid _ </proc/self/stat
if [ "$pid" != "$main" ]; then
  say "ended unfit"
  exit 0
fi
stat_of "$main"
since=$started
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin
introduce

# The watch counts the seconds without a line, and each line sets it back. Only the main shell knows the groups, so it is
# asked to end; what cannot any more is done without it.
trap 'finish silence' USR2
(
  read -r watch _ </proc/self/stat
  silent=0
  # Nothing comes before "ready", so no line ends a watch that has not set its trap yet.
  trap 'silent=0' USR1
  say "is holders $main $watch"
  say ready
  while [ "$silent" -lt "$lease" ] && kill -0 "$main"; do
    sleep 1 >/dev/null 3>&1
    silent=$((silent + 1))
  done
  kill -USR2 "$main" && sleep 3 >/dev/null 3>&1
  kill -KILL "$main"
  finish killed
) &
watch=$!

while read -r word one two three; do
  # Whoever has killed the watch has ended the lease.
  kill -USR1 "$watch" || finish killed
  case $word in
    clock)
      read -r uptime _ </proc/uptime
      say "clock $one $uptime"
      ;;
    +) groups="$groups $one" ;;
    -)
      # What a command has left running in its group stays noted.
      kill -0 "-$one" && continue
      others=
      for group in $groups; do [ "$group" = "$one" ] || others="$others $group"; done
      groups=$others
      ;;
    kill) kill "-$one" "$two" ;;
    members) signal_members "$one" "$two" "$three" ;;
    folder)
      [ -n "$folder" ] || make_folder
      say "folder $folder"
      ;;
    end) finish asked ;;
  esac
done
finish closed
