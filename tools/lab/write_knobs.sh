# shellcheck shell=bash
# Writes sysctls on a host for the bench: Deno lets write under /proc only with all permissions.
# Arguments: a file under /proc/sys and its value, by turns. Answers each with a line: "+", or "-" and what the
# kernel said. bash, because the printf of other shells hides what it said.
LC_ALL=C
while (($# > 1)); do
  if words=$({ printf %s "$2" >"$1"; } 2>&1); then echo +; else echo "- ${words##*: }"; fi
  shift 2
done
