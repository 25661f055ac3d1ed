# shellcheck shell=bash
# Reads files of /proc on a host for the bench, which Deno lets read them only with all permissions.
# Takes a line of paths, in which a pattern stands for all files that it matches. Answers each path with the lines of
# its files, and then with a line that no file of /proc holds: EOT and "+", or EOT and "-" where nothing could be read.
# bash reads them by itself: a `cat` for each sample would cost some five times as much CPU.
LC_ALL=C
while IFS=' ' read -r -a paths; do
  for path in "${paths[@]}"; do
    end=-
    # shellcheck disable=SC2231 # a pattern is to be expanded
    for file in $path; do
      text=()
      if { mapfile -d '' -n 1 text <"$file"; } 2>/dev/null; then
        printf '%s\n' "${text[0]}"
        end=+
      fi
    done
    printf '\4%s\n' "$end"
  done
done
