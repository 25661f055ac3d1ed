#!/bin/sh
# nginx. Its pool is one for each worker process, not one in all.
command -v nginx >/dev/null || { echo "nginx is not installed: apt-get install nginx-light" >&2; exit 1; }
exec nginx -c "$PWD/nginx.conf" -p "$PWD" -e stderr
