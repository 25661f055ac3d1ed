# Times connects to a service until its standard input says so or closes.
# Arguments: the interval in seconds, the address, the port. Prints a line a connect: seconds since boot, and how long it
# took in microseconds, or "-" where it failed. It closes the connection at once, without a request.
# connect(2) looks for a free port before it sends anything, so that search is part of the time.
LC_ALL=C
status=142
while ((status > 128)); do
  read -r now _ </proc/uptime
  began=${EPOCHREALTIME/./}
  if { ended=${EPOCHREALTIME/./}; } 3<>"/dev/tcp/$2/$3"; then echo "$now $((ended - began))"; else echo "$now -"; fi
  # More than 128 is a timeout: no line yet.
  read -r -t "$1" _
  status=$?
done 2>/dev/null
