#!/bin/sh
# Caddy. POOL is its keepalive_idle_conns_per_host, TOTAL its keepalive_idle_conns.
command -v caddy >/dev/null || { echo "caddy is not installed: apt-get install caddy" >&2; exit 1; }
# Caddy asks for the end of a connection where it is told to keep none.
keepalive="${IDLE:-90}s"
[ "${CONNECTION:-}" != close ] || keepalive=off
sed -e "s|{keepalive}|$keepalive|" -e "s|{total}|$TOTAL|" -e "s|{most}|${MOST:-0}|" \
  -e "s|{clients}|${CLIENTS:-75}|" caddy.caddyfile >filled.caddyfile
# It would keep certificates and its last configuration in the home of who starts it.
export XDG_CONFIG_HOME="$PWD" XDG_DATA_HOME="$PWD" HOME="$PWD"
exec caddy run --config filled.caddyfile --adapter caddyfile
