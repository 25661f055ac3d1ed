# shellcheck shell=bash
# Writes sysctls on a host for the bench: Deno lets write under /proc only with all permissions.
# Arguments: files under /proc/sys, each followed by its value. Answers each with a line: "+", or "-" and the kernel's
# error, which the printf of other shells than bash hides.
LC_ALL=C
while (($# > 1)); do
  if words=$({ printf %s "$2" >"$1"; } 2>&1); then echo +; else echo "- ${words##*: }"; fi
  shift 2
done
