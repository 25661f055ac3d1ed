# shellcheck shell=sh
# Samples the TCP state of the host on which it runs, until a line comes on standard input or standard input closes.
# Arguments: the interval in seconds, and the samples per write. Prints a line for each sample: seconds since the host was
# started, then its sockets in TIME_WAIT, its established connections and the connections it has opened.
# Any `sh` will do, and `sleep` is all that it starts: it runs where nothing is known but that there is a shell.
LC_ALL=C
interval=$1
per_write=$2

# The kernel has had these figures in this order since RFC 1213 gave it to them.
{ while read -r names; do case $names in "Tcp: "*) break ;; esac; done; } </proc/net/snmp
case $names in
  "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab "*) ;;
  *)
    echo "/proc/net/snmp has other figures than ${names}" >&2
    exit 1
    ;;
esac

sample() {
  read -r now _ </proc/uptime
  while read -r line; do
    case $line in "TCP: "*) waits=${line#* tw } && waits=${waits%% *} && break ;; esac
  done </proc/net/sockstat
  lines=0
  while read -r kind _ _ _ _ opened _ _ _ established _; do
    [ "$kind" = Tcp: ] && lines=$((lines + 1)) && [ "$lines" = 2 ] && break
  done </proc/net/snmp
}

# `read` of a plain shell cannot wait for a time, so another one waits for the end while this one sleeps.
stream() {
  samples=
  count=0
  trap 'printf %s "$samples"; exit 0' TERM
  while :; do
    sample
    samples="$samples$now $waits $established $opened
"
    count=$((count + 1))
    if [ "$count" = 1 ] || [ "$((count % per_write))" = 0 ]; then
      printf %s "$samples"
      samples=
    fi
    # Some know whole seconds only.
    sleep "$interval" 2>/dev/null || sleep 1
  done
}

stream </dev/null &
read -r _
kill -TERM $! 2>/dev/null
wait
sample
echo "$now $waits $established $opened"
