#!/bin/sh
# HAProxy. Its pool is shared among its threads.
command -v haproxy >/dev/null || { echo "haproxy is not installed: apt-get install haproxy" >&2; exit 1; }
sed -e "s|{idle}|${IDLE:-90}|" -e "s|{most}|${MOST:-0}|" haproxy.cfg >filled.cfg
exec haproxy -q -db -f filled.cfg
