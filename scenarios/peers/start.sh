#!/bin/sh
# Starts another gateway in the foreground, with a pool of POOL idle connections, and leaves nothing behind.
#
#   start.sh nginx|haproxy LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT POOL
#   start.sh go LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT MAX_IDLE_CONNS_PER_HOST [MAX_IDLE_CONNS]
set -eu
which=$1 listen_host=$2 listen_port=$3 upstream_host=$4 upstream_port=$5 pool=$6 total=${7:-$6}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/usr/local/go/bin

need() {
  command -v "$1" >/dev/null || { echo "$1 is not installed: apt-get install $2" >&2; exit 1; }
}

# A private lab has a scratch directory that ends with it; elsewhere there is /tmp, and the trap.
scratch=/run/timewait
[ -d "$scratch" ] || scratch=${TMPDIR:-/tmp}
directory=$(mktemp -d -p "$scratch")
child=
trap 'rm -rf "$directory"' EXIT
trap 'kill -TERM "$child" 2>/dev/null; wait "$child" || true; exit 0' TERM INT HUP

fill() {
  sed -e "s|{directory}|$directory|g" -e "s|{pool}|$pool|g" \
    -e "s|{listen_host}|$listen_host|g" -e "s|{listen_port}|$listen_port|g" \
    -e "s|{upstream_host}|$upstream_host|g" -e "s|{upstream_port}|$upstream_port|g" "$here/$1" >"$directory/$1"
}

case $which in
nginx)
  need nginx nginx-light
  fill nginx.conf
  nginx -c "$directory/nginx.conf" -p "$directory" -e "$directory/nginx.error.log" &
  ;;
haproxy)
  need haproxy haproxy
  fill haproxy.cfg
  haproxy -q -db -f "$directory/haproxy.cfg" &
  ;;
go)
  need go golang-go
  export HOME="${HOME:-$directory}"
  go build -o "$directory/reverse_proxy" "$here/reverse_proxy.go"
  "$directory/reverse_proxy" -listen "$listen_host:$listen_port" -upstream "http://$upstream_host:$upstream_port" \
    -max-idle-conns "$total" -max-idle-conns-per-host "$pool" &
  ;;
*)
  echo "start.sh knows nginx, haproxy and go, not $which" >&2
  exit 2
  ;;
esac
child=$!
wait "$child"
