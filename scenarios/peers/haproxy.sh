#!/bin/sh
# HAProxy. Its pool is shared among its threads.
command -v haproxy >/dev/null || { echo "haproxy is not installed: apt-get install haproxy" >&2; exit 1; }
exec haproxy -q -db -f haproxy.cfg
