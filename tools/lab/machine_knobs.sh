# shellcheck shell=bash
# The guard of the machine's own sysctls: changes them for one bench, and puts them back when the bench closes its
# standard input, which the kernel sees to when the bench is gone, in whatever way.
# Arguments: the directory of the records, the process id of the bench.
#
# Takes a line "set FILE VALUE", answered like write_knobs.sh, or "restore", answered by "done". Before that it
# prints "ready"; or "held PID" and ends, where another bench holds the machine's sysctls; or "nothing" and ends, where
# it may not change them and nothing is left to put back.
# Prints "restored FILE VALUE" for each value put back, "kept FILE VALUE" for one that somebody has changed since, which
# is left alone, and "failed FILE WHY" for one that cannot be put back, whose record stays.
#
# What a file held stands in the record on disk before the file is changed. The record outlives a SIGKILL of bench
# and guard; whoever comes next puts it back. A restart of the machine has the kernel start with its own values, so a
# record of another boot is thrown away. There is one record for each network namespace, for each has net.* of its
# own, and one lock, which the kernel releases when the last process that holds it has ended (flock(2)).
LC_ALL=C
trap '' PIPE HUP INT TERM # whoever reads what it prints may be gone by the time it matters most
shopt -s nullglob
directory=$1
bench=$2
space=$(readlink /proc/self/ns/net)
space=${space//[!0-9]/}
record=$directory/sysctl.$space
lock=$record.lock
holder_file=$record.pid
read -r boot </proc/sys/kernel/random/boot_id

umask 022 # an ordinary user is to see who holds them, and what was left

# Only root can open the lock, because whoever can open a file can lock it. Everybody can read who holds it.
holder() {
  local pid=
  { read -r pid <"$holder_file"; } 2>/dev/null
  echo "${pid:-unknown}"
}

holder_lives() { [[ -e /proc/$(holder) ]]; }

held() {
  echo "held $(holder)"
  exit 0
}

refuse() {
  echo "$1: nothing in $directory is put back: look at what it holds, and remove it" >&2
  exit 1
}

# What another user could have written is not to be obeyed by root.
check_directory() {
  local file
  [[ -L $directory ]] && refuse "$directory is a link"
  [[ -O $directory ]] || refuse "$directory belongs to another user"
  [[ -n $(find "$directory" -maxdepth 0 -perm /022) ]] && refuse "other users may write to $directory"
  for file in "$directory"/*; do
    [[ -f $file && ! -L $file && -O $file ]] || refuse "$file is no file of this user's"
  done
}

# Whether a file is a sysctl of the network, by its own path: no link and no ".." leads elsewhere.
is_sysctl() { [[ $1 == /proc/sys/net/* && $(realpath -e -- "$1" 2>/dev/null) == "$1" ]]; }

# Whether this namespace has a record of this boot, which not everybody may put back.
something_left() {
  local of
  [[ -e $record ]] || return 1
  read -r of _ <"$record" || return 0
  [[ $of == "$boot" ]]
}

# For those who may not change anything.
only_look() {
  holder_lives && held
  something_left || { echo nothing; exit 0; }
  echo "$record cannot be put back: it takes root" >&2
  exit 1
}

((EUID == 0)) || only_look

# Whoever ends removes the lock's file, so it may be gone from its place by the time it is locked.
while :; do
  mkdir -p "$directory" || exit 1
  check_directory
  # A lock that others can open was left by an older Timewait, and anybody may hold it.
  [[ -e $lock && -n $(find "$lock" -perm /077 2>/dev/null) ]] && rm -f "$lock"
  if ! { (umask 077 && : >>"$lock") && exec 9>>"$lock"; } 2>/dev/null; then
    [[ -d $directory ]] || continue
    only_look
  fi
  if ! flock --nonblock 9; then
    # The guard of a bench that has ended is about to put back what that had set.
    holder_lives || flock --timeout 5 9 || held
    holder_lives && held
  fi
  [[ $lock -ef /proc/self/fd/9 ]] && break
done
echo "$bench" >"$holder_file"

value_of() {
  local -a parts
  read -r -a parts <"$1" || return 1
  echo "${parts[*]}"
}

# A record has a line for each change: the boot, the file, what it held and what it was changed to. Values stand
# behind a "=", for some are empty, such as that of ip_local_reserved_ports.
restore() {
  local file before ours now of words failed=
  local -A kept=()
  [[ -e $record ]] || return 0
  while IFS=$'\t' read -r of file before ours; do
    [[ $of == "$boot" && -n $ours && -z ${kept[$file]} ]] || continue
    if ! is_sysctl "$file"; then
      failed=yes
      echo "failed ${file// /?} it is not below /proc/sys/net"
      continue
    fi
    now="=$(value_of "$file")"
    [[ $now == "$before" ]] && continue
    # Ours is what was asked for, or "?" where the kernel may have made something else of it.
    if [[ $ours != "?" && $now != "$ours" ]]; then
      kept[$file]=yes
      echo "kept $file ${now#=}"
    elif words=$({ echo "${before#=}" >"$file"; } 2>&1); then
      echo "restored $file ${before#=}"
    else
      failed=yes
      echo "failed $file ${words##*: }"
    fi
  done < <(tac "$record")
  [[ -z $failed ]] && rm -f "$record"
}

note() { printf '%s\t%s\t=%s\t%s\n' "$boot" "$@" >>"$record" && sync "$record"; }

restore
for other in "$directory"/sysctl.*; do
  [[ $other == *.lock || $other == *.pid ]] && continue
  IFS=$'\t' read -r of _ <"$other"
  [[ $of == "$boot" ]] || rm -f "$other"
done
echo ready

while read -r verb file value; do
  case $verb in
    set)
      before=$(value_of "$file")
      if ! is_sysctl "$file"; then
        echo "- No such file or directory"
      elif ! words=$({ note "$file" "$before" "?"; } 2>&1); then
        echo "- the record of what was there cannot be written: ${words##*: }"
      elif words=$({ printf %s "$value" >"$file"; } 2>&1); then
        note "$file" "$before" "=$(value_of "$file")"
        echo +
      else
        echo "- ${words##*: }"
      fi
      ;;
    restore) restore; echo "done" ;;
  esac
done
restore
rm -f "$holder_file" "$lock"
rmdir "$directory" 2>/dev/null
exit 0
