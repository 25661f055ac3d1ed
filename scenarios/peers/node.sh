#!/bin/sh
# A reverse proxy in Node, reverse_proxy.mjs. POOL is the maxFreeSockets of its agent.
command -v node >/dev/null || { echo "node is not installed: apt-get install nodejs" >&2; exit 1; }
exec node "$PEERS/reverse_proxy.mjs" "$LISTEN_HOST:$LISTEN_PORT" "$UPSTREAM_HOST:$UPSTREAM_PORT" "$POOL" \
  "${MOST:-Infinity}" "${IDLE:-90}"
