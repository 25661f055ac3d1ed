# shellcheck shell=sh
# Takes a file through standard input, on a remote host: its path there, its bytes, and what sha256sum and cksum(1) print of
# it. The number of bytes is known, because not every client of a prefix passes on where they end.
# Says what is wrong on standard output; nothing where the file is there, whole.
path=$1 bytes=$2 sha256=$3 cksum=$4
umask 077
head -c "$bytes" >"$path" || {
  echo "it cannot be written to ${path%/*} by head -c"
  exit
}
# A small Busybox has one of the two, or neither.
if sum=$(sha256sum <"$path" 2>/dev/null); then
  good="$sha256  -"
elif sum=$(cksum <"$path" 2>/dev/null); then
  good="$cksum $bytes"
else
  echo "neither sha256sum nor cksum is there"
  exit
fi
[ "$sum" = "$good" ] || {
  echo "its checksum there is $sum, and not $good"
  exit
}
chmod 700 "$path" || echo "chmod is not there"
