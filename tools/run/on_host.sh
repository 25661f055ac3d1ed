#!/bin/sh
# on HOST [COMMAND…]: runs a command on a host of the lab, in the shell that deno task lab has opened; without a command
# it opens a shell there.
refuse() {
  echo "on: $1: type on client, on gateway or on backend, and then a command, or none for a shell there" >&2
  exit 2
}
case ${1-} in
  client | gateway | backend) host=$1 ;;
  "") refuse "which host?" ;;
  *) refuse "\"$1\" is no host" ;;
esac
shift
export TIMEWAIT_HOST="$host"

if [ $# -eq 0 ]; then
  case ${SHELL-} in "" | */nologin | */false) SHELL=bash ;; esac
  if [ "${SHELL##*/}" = bash ]; then
    set -- "$SHELL" --rcfile "$TIMEWAIT_BIN/bashrc"
  else
    export PS1="$host:\$PWD\$ "
    set -- "$SHELL"
  fi
fi
# The hosts of a private lab are network namespaces; those of the other labs are one and the same.
[ "$TIMEWAIT_LAB_KIND" = private ] || exec "$@"
exec nsenter --net="/run/netns/$host" -- "$@"
