# shellcheck shell=bash
# Times connects to a service until a line comes on standard input, or standard input closes.
# Arguments: the interval in seconds, the address, the port. Prints one line for each connect: seconds since boot, and how long
# the connect took in microseconds, or "-" where it failed.
# connect(2) searches for a free port before it sends anything, so the time includes that search. Then the script sends what
# is no HTTP, and leaves the service's answer to it unread. So closing the connection resets it, and neither side gets a
# TIME_WAIT.
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
  # A status above 128 is a timeout: no line has come yet.
  read -r -t "$1" _
  status=$?
done 2>/dev/null
