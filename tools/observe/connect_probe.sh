# shellcheck shell=bash
# Times connects to a service until its standard input says so or closes.
# Arguments: the interval in seconds, the address, the port. Prints a line a connect: seconds since boot, and how long it
# took in microseconds, or "-" where it failed.
# connect(2) looks for a free port before it sends anything, so that search is part of the time. What is sent then is
# no HTTP, so that the service says so, and that is left unread: a close is a reset then, and leaves no TIME_WAIT on either
# side.
LC_ALL=C
timed_connect() {
  {
    ended=${EPOCHREALTIME/./}
    printf '\r\n\0\r\n\r\n' >&3
    IFS= read -r -n 1 -t 1 -u 3 _
  } 3<>"/dev/tcp/$1/$2"
}

status=142
while ((status > 128)); do
  read -r now _ </proc/uptime
  began=${EPOCHREALTIME/./}
  ended=
  timed_connect "$2" "$3"
  if [[ -n $ended ]]; then echo "$now $((ended - began))"; else echo "$now -"; fi
  # More than 128 is a timeout: no line yet.
  read -r -t "$1" _
  status=$?
done 2>/dev/null
