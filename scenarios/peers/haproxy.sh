#!/bin/sh
# HAProxy. Its pool is shared among its threads.
command -v haproxy >/dev/null || { echo "haproxy is not installed: apt-get install haproxy" >&2; exit 1; }
# It counts the uses after the first; -1 is no limit of them, and 0 none of connections.
max_reuse=-1
[ -z "${REQUESTS:-}" ] || max_reuse=$((REQUESTS - 1))
sed -e "s|{idle}|${IDLE:-90}|" -e "s|{requests}|$max_reuse|" -e "s|{most}|${MOST:-0}|" haproxy.cfg >filled.cfg
exec haproxy -q -db -f filled.cfg
