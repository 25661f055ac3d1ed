#!/bin/sh
# nginx. Its pool is one for each worker process, not one in all.
command -v nginx >/dev/null || { echo "nginx is not installed: apt-get install nginx-light" >&2; exit 1; }
# nginx takes no fractions of a second.
idle=$(awk -v s="${IDLE:-90}" 'BEGIN { printf "%dms", s * 1000 }')
sed -e "s|{http_version}|${HTTP_VERSION:-1.1}|" -e "s|{connection}|${CONNECTION:-}|" \
  -e "s|{requests}|${REQUESTS:-1000000000}|" -e "s|{idle}|$idle|" -e "s|{clients}|${CLIENTS:-75}|" \
  nginx.conf >filled.conf
exec nginx -c "$PWD/filled.conf" -p "$PWD" -e stderr
