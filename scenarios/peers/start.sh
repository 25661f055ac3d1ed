#!/bin/sh
# Starts another gateway in the foreground, and leaves nothing behind.
#
#   start.sh PEER LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT POOL [TOTAL]
#
# POOL is how many idle connections the gateway keeps for its backend; TOTAL, for all backends together
# (default: POOL).
#
# The environment may change more of a peer, as far as the peer has such a setting. Towards the backend:
# HTTP_VERSION (1.1), CONNECTION, the header of that name (empty), REQUESTS in each connection (no limit),
# MOST connections (no limit), IDLE, the seconds that an idle connection is kept (90). Towards clients:
# CLIENTS, the seconds that an idle connection is kept (75). For misuse.go: MISUSE, UPSTREAMS.
#
# A peer is PEER.sh in this folder. It runs in a folder of its own, which is removed afterwards, with all of
# these in its environment. Other files PEER.* are templates: they are copied into that folder first, with
# their placeholders filled in.
set -eu
usage="usage: start.sh PEER LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT POOL [TOTAL]"
[ $# -ge 6 ] || { echo "$usage" >&2; exit 2; }
peer=$1
export LISTEN_HOST="$2" LISTEN_PORT="$3" UPSTREAM_HOST="$4" UPSTREAM_PORT="$5" POOL="$6" TOTAL="${7:-$6}"
PEERS=$(cd "$(dirname "$0")" && pwd)
export PEERS PATH="$PATH:/usr/sbin:/usr/local/go/bin"

if [ "$peer" = start ] || [ ! -f "$PEERS/$peer.sh" ]; then
  known=$(cd "$PEERS" && for file in *.sh; do [ "$file" = start.sh ] || printf ' %s' "${file%.sh}"; done)
  echo "there is no peer $peer; known are$known" >&2
  exit 2
fi

# A private lab has a scratch folder that ends with it; elsewhere there is /tmp, and the trap.
scratch=/run/timewait
[ -d "$scratch" ] || scratch=${TMPDIR:-/tmp}
folder=$(mktemp -d -p "$scratch")
child=
trap 'rm -rf "$folder"' EXIT
trap 'kill -TERM "$child" 2>/dev/null; wait "$child" || true; exit 0' TERM INT HUP

# A text as the right side of `s|…|…|`.
escaped() { printf '%s\n' "$1" | sed 's/[&|\\]/\\&/g'; }

for template in "$PEERS/$peer".*; do
  [ "$template" != "$PEERS/$peer.sh" ] || continue
  sed -e "s|{pool}|$(escaped "$POOL")|g" \
    -e "s|{listen_host}|$(escaped "$LISTEN_HOST")|g" \
    -e "s|{listen_port}|$(escaped "$LISTEN_PORT")|g" \
    -e "s|{upstream_host}|$(escaped "$UPSTREAM_HOST")|g" \
    -e "s|{upstream_port}|$(escaped "$UPSTREAM_PORT")|g" \
    "$template" >"$folder/${template##*/}"
done

cd "$folder"
/bin/sh "$PEERS/$peer.sh" &
child=$!
wait "$child"
