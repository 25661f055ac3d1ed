# shellcheck shell=bash
# Samples the TCP state of network namespaces until a line comes on standard input, or standard input closes.
# Arguments: the interval in seconds, the samples per write, and for each namespace the directory that holds its sockstat
# and snmp. Prints one line for each sample: seconds since boot, then for each namespace its sockets in TIME_WAIT, its
# established connections and the connections it has opened.
# bash does all of this without other programs and writes seldom, so that sampling does not disturb what is measured.
# shellcheck disable=SC2206 # the lines are meant to be split into words
LC_ALL=C
interval=$1
per_write=$2
shift 2

# The places of the figures do not change while the kernel runs.
mapfile -t lines <"$1/snmp"
for i in "${!lines[@]}"; do
  [[ ${lines[i]} == "Tcp: RtoAlgorithm"* ]] && values=$((i + 1)) && names=(${lines[i]})
done
for i in "${!names[@]}"; do
  [[ ${names[i]} == ActiveOpens ]] && opened=$i
  [[ ${names[i]} == CurrEstab ]] && established=$i
done

samples=
count=0
status=142
while ((status > 128)); do
  # A status above 128 is a timeout: no line has come yet.
  ((count == 0)) || { read -r -t "$interval" _; status=$?; }
  read -r now _ </proc/uptime
  sample=$now
  for directory in "$@"; do
    mapfile -t sockstat <"$directory/sockstat"
    mapfile -t snmp <"$directory/snmp"
    words=(${sockstat[1]#*tw })
    snmp_words=(${snmp[values]})
    sample+=" ${words[0]} ${snmp_words[established]} ${snmp_words[opened]}"
  done
  samples+="$sample"$'\n'
  if ((++count % per_write == 0 || count == 1)); then
    printf %s "$samples"
    samples=
  fi
done
printf %s "$samples"
