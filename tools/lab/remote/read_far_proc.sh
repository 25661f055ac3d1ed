# shellcheck shell=sh
# Reads files of /proc on a remote host. Takes a line of paths, in which a pattern stands for all files that it matches.
# Answers each path with the lines of its files, and then with a line that no file of /proc holds: EOT and "+", or EOT and
# "-" where nothing could be read. `cat` reads a table of sockets in large pieces; `read` would take it byte by byte.
LC_ALL=C
while read -r paths; do
  set -f
  # shellcheck disable=SC2086 # the paths
  set -- $paths
  set +f
  for pattern; do
    end=-
    for file in $pattern; do
      [ ! -r "$file" ] || end=+
    done
    # shellcheck disable=SC2086 # a pattern is to be expanded
    cat $pattern 2>/dev/null
    printf '\n\004%s\n' "$end"
  done
done
