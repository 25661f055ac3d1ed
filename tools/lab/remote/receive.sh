# shellcheck shell=sh
# Takes a program through standard input, on a remote host: its path there, its bytes, and its checksum as cksum(1) prints
# it. The number of bytes is known, because not every client of a prefix passes on where they end.
# Says what is wrong on standard output; nothing where the program is there and runs.
path=$1 bytes=$2 sum=$3
for tool in head cksum chmod; do
  command -v "$tool" >/dev/null || {
    echo "$tool is not there"
    exit
  }
done
umask 077
head -c "$bytes" >"$path" || {
  echo "it could not be written to ${path%/*}"
  exit
}
# shellcheck disable=SC2046 # the checksum and the number of bytes
set -- $(cksum <"$path")
if [ "$1 $2" != "$sum" ]; then
  echo "its checksum there is $1 of $2 bytes, and not ${sum% *} of ${sum#* }"
  exit
fi
chmod 700 "$path"
# wrk ends with the code of a failure here, and 126 and 127 are those of a program that cannot be started.
words=$("$path" -v 2>&1)
case $? in 126 | 127) echo "it does not run there: $words" ;; esac
