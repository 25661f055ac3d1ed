# shellcheck shell=sh
# Prints a capture: what /proc says of one network namespace, as text. Reads, and does nothing else.
#
# Takes its variables from the lines before it:
#   seconds   how long to watch; 0 takes one reading
#   interval  whole seconds between two readings
#   pid       the process in whose network namespace to look; empty for the shell's own
#   port      look where a process listens on this port; empty for none
# Needs sh, cat and sleep. Where they are, it also uses ls (which process has which socket), tr (words of a command line)
# and nsenter (the sysctls of another namespace). It ends by itself, also when nobody reads it any more.
# shellcheck disable=SC2154,SC3013 # the variables stand in the lines before; -ef is tried before it is used
LC_ALL=C
export LC_ALL

# With more sockets than this, only the first and the last reading hold the table of sockets.
many=20000

note() { printf -- '--- note\n%s\n' "$*"; }

# A file as a section; nothing where it is not there.
section() {
  if [ -r "$2" ]; then
    printf -- '--- %s\n' "$1"
    cat "$2" 2>/dev/null
  fi
}

# Whether two processes are in one network namespace: files of /proc/PID/net have an inode for each namespace, which
# anybody may look at. Without -ef, which POSIX has since 2024 and every shell before, all count as one.
if [ / -ef / ] 2>/dev/null; then
  same_network() { [ "$1/net/tcp" -ef "$2/net/tcp" ]; }
else
  same_network() { :; }
fi

name_of() {
  name='?'
  { read -r name <"$1/comm"; } 2>/dev/null
}

# Whether something listens on the port, whose four hexadecimal digits are $2, in the namespace of $1. Sockets that listen
# are ahead of all others in the table, so this reads no further than them.
listens() {
  for table in tcp tcp6; do
    while read -r _ local _ state _; do
      case $state in
        st) continue ;;
        0A) [ "${local##*:}" != "$2" ] || return 0 ;;
        *) break ;;
      esac
    done <"$1/net/$table"
  done 2>/dev/null
  return 1
}

# Sets `started` to when a process started, in ticks since the machine did.
started_at() {
  stat=
  { read -r stat <"$1/stat"; } 2>/dev/null
  # The name, in parentheses, may hold spaces: behind it stands the third field, and the 22nd is wanted.
  # shellcheck disable=SC2086 # the fields
  set -- ${stat##*) }
  started=${20:-}
}

# Sets `oldest` to the process that has been longest in the network namespace of $1: one that came last may end ahead of
# the watch, and on a busy machine many end every second.
find_oldest() {
  oldest=$1
  started_at "$1"
  first=$started
  for other in /proc/[0-9]*; do
    same_network "$other" "$1" || continue
    started_at "$other"
    [ "${started:-$first}" -lt "$first" ] || continue
    first=$started
    oldest=$other
  done 2>/dev/null
}

# One process for each network namespace of the machine, its own first; of each the oldest, because one that ends in the
# meantime takes the namespace out of sight.
find_namespaces() {
  namespaces=/proc/self
  for process in /proc/[0-9]*; do
    [ -r "$process/net/tcp" ] || continue
    known=
    for namespace in $namespaces; do
      if same_network "$process" "$namespace"; then
        known=1
        break
      fi
    done
    [ -z "$known" ] || continue
    find_oldest "$process"
    [ ! -r "$oldest/net/tcp" ] || namespaces="$namespaces $oldest"
  done
}

# Sets `at`, the process whose /proc/PID/net to read.
choose_namespace() {
  at=/proc/self
  if [ -n "$pid" ]; then
    at=/proc/$pid
    if [ ! -e "$at" ]; then
      note "gone: there is no process $pid"
      return 1
    fi
  elif [ -n "$port" ]; then
    found=
    for namespace in $namespaces; do
      listens "$namespace" "$(printf %04X "$port")" && found="$found $namespace"
    done
    # shellcheck disable=SC2086 # paths without spaces
    set -- $found
    if [ $# -eq 0 ]; then
      note "gone: nothing listens on port $port in any network namespace that can be read"
      return 1
    fi
    at=$1
    [ $# -eq 1 ] || note "several: port $port is listened on in $# network namespaces; this is that of $at"
  fi
  if [ ! -r "$at/net/tcp" ]; then
    note "unreadable: $at/net/tcp"
    return 1
  fi
}

knobs="net/ipv4/ip_local_port_range net/ipv4/ip_local_reserved_ports net/ipv4/tcp_tw_reuse net/ipv4/tcp_tw_reuse_delay
net/ipv4/tcp_fin_timeout net/ipv4/tcp_max_tw_buckets net/ipv4/tcp_timestamps net/ipv4/tcp_max_syn_backlog
net/ipv4/tcp_max_orphans net/ipv4/tcp_abort_on_overflow net/core/somaxconn net/core/rmem_max
net/netfilter/nf_conntrack_count net/netfilter/nf_conntrack_max net/netfilter/nf_conntrack_tcp_timeout_time_wait"

# shellcheck disable=SC2016 # the dollars are for the shell that nsenter starts
print_knobs='for knob in $knobs; do
  [ -r "/proc/sys/$knob" ] || continue
  printf -- "--- knob %s\n" "$knob"
  cat "/proc/sys/$knob" 2>/dev/null || :
done'

# /proc/sys/net is that of whoever reads it: sysctls of another namespace are seen from inside only.
read_knobs() {
  export knobs
  if same_network "$at" /proc/self; then
    eval "$print_knobs"
    return
  fi
  if command -v nsenter >/dev/null 2>&1; then
    nsenter -t "${at#/proc/}" -n sh -c "$print_knobs" 2>/dev/null && return
    nsenter -t "${at#/proc/}" -U --preserve-credentials -n sh -c "$print_knobs" 2>/dev/null && return
  fi
  note "knobs: the sysctls of another network namespace cannot be read from here"
}

# The number of sockets, by sockstat: all that are in use and those in TIME_WAIT.
count_sockets() {
  sockets=0
  while read -r kind _ in_use _ _ _ waiting _; do
    case $kind in TCP: | TCP6:) sockets=$((sockets + in_use + ${waiting:-0})) ;; esac
  done <<COUNTS
$(cat "$at/net/sockstat" "$at/net/sockstat6" 2>/dev/null)
COUNTS
}

# Takes reading $1 of $2.
take_reading() {
  printf -- '--- reading %s\n' "$1"
  section uptime /proc/uptime
  for file in sockstat snmp netstat; do section "$file" "$at/net/$file"; done
  count_sockets
  if [ "$1" -gt 0 ] && [ "$1" -lt "$2" ] && [ "$sockets" -gt "$many" ]; then return; fi
  for file in tcp tcp6; do section "$file" "$at/net/$file"; done
}

# Words of a command line that name programs and files. Every other word may be a secret and is printed as a star.
print_words() {
  first=1
  takes=
  tr '\0\n' '\n ' 2>/dev/null <"$1/cmdline" | while read -r word; do
    case $first$takes$word in
      1*) printf '= %s\n' "$word" ;;
      *[!a-zA-Z0-9_./+-]*) printf '= *\n' ;;
      m[a-zA-Z]*) printf '= %s\n' "$word" ;;
      -m | -jar) printf '= %s\n' "$word" ;;
      */* | *.js | *.mjs | *.cjs | *.ts | *.py | *.jar | *.dll | *.conf | *.cfg | *.y*ml | *.toml | *.json)
        printf '= %s\n' "$word"
        ;;
      *) printf '= *\n' ;;
    esac
    first=
    takes=
    [ "$word" != -m ] || takes=m
  done
}

# The processes of the namespace. Those that hold sockets come with their descriptors, where these may be seen.
read_processes() {
  hidden=0
  for process in /proc/[0-9]*; do
    same_network "$process" "$at" 2>/dev/null || continue
    # A process without memory of its own is the kernel's.
    pages=0
    { read -r pages _ <"$process/statm"; } 2>/dev/null
    [ "$pages" != 0 ] || continue
    name_of "$process"
    printf -- '--- process %s %s\n' "${process#/proc/}" "$name"
    set -- "$process"/fd/*
    if [ ! -e "$1" ]; then
      # A process may have no descriptors at all, or have ended meanwhile.
      [ -r "$process/fd" ] || [ ! -d "$process/fd" ] || hidden=$((hidden + 1))
      [ -z "$has_tr" ] || print_words "$process"
      continue
    fi
    has_socket=
    for descriptor; do
      if [ -S "$descriptor" ]; then
        has_socket=1
        break
      fi
    done
    [ -n "$has_socket" ] || continue
    [ -z "$has_tr" ] || print_words "$process"
    printf -- '--- descriptors %s %s\n' "${process#/proc/}" "$#"
    [ -z "$has_ls" ] || ls -l "$process/fd" 2>/dev/null
    section "limits ${process#/proc/}" "$process/limits"
  done
  case $hidden in
    0) ;;
    1) note "owners: 1 process here is of another user, so which sockets are its own cannot be seen" ;;
    *) note "owners: $hidden processes here are of other users, so which sockets are theirs cannot be seen" ;;
  esac
}

# Namespaces beside the one that was looked at, so that nobody looks in the wrong one.
read_others() {
  for namespace in $namespaces; do
    same_network "$namespace" "$at" && continue
    [ -r "$namespace/net/sockstat" ] || continue
    name_of "$namespace"
    printf -- '--- namespace %s %s\n' "${namespace#/proc/}" "$name"
    cat "$namespace/net/sockstat" 2>/dev/null
  done
}

look_around() {
  while read -r _ where kind options _; do
    case $where,$kind,$options in
      /proc,proc,*hidepid=[12ip]*) note "hidepid: /proc hides the processes of other users here" ;;
    esac
  done 2>/dev/null </proc/mounts
  [ -r /proc/self/net/tcp6 ] || note "no IPv6: there is no /proc/net/tcp6"
  has_ls=
  has_tr=
  if command -v ls >/dev/null 2>&1; then has_ls=1; else note "no ls: which process has which socket cannot be seen"; fi
  if command -v tr >/dev/null 2>&1; then has_tr=1; else note "no tr: command lines cannot be read"; fi
}

capture() {
  printf 'timewait capture 1\n--- asked\nseconds %s\ninterval %s\npid %s\nport %s\n' "$seconds" "$interval" "$pid" "$port"
  section kernel /proc/sys/kernel/osrelease
  look_around
  find_namespaces
  if choose_namespace; then
    printf -- '--- looked at\n%s\n' "${at#/proc/}"
    read_knobs
    last=$((interval > 0 ? seconds / interval : 0))
    number=0
    while [ -r "$at/net/tcp" ]; do
      take_reading "$number" "$last"
      [ "$number" -lt "$last" ] || break
      number=$((number + 1))
      sleep "$interval"
    done
    if [ -r "$at/net/tcp" ]; then
      read_processes
      read_others
    else
      note "ended: the process of the namespace, $at, ended meanwhile"
    fi
  fi
  printf -- '--- cost\n'
  times
  printf -- '--- end\n'
}

capture </dev/null
