#!/bin/sh
# A reverse proxy in Go, built from reverse_proxy.go. POOL is its MaxIdleConnsPerHost, TOTAL its MaxIdleConns.
set -eu
command -v go >/dev/null || { echo "go is not installed: apt-get install golang-go" >&2; exit 1; }
export HOME="${HOME:-$PWD}"
# A stop waits for the build, which would go on by itself otherwise.
trap 'exit 0' TERM
# Built by itself, whatever module the folder is in.
GO111MODULE=off GOFLAGS='' GOWORK=off go build -o reverse_proxy "$PEERS/reverse_proxy.go"
exec ./reverse_proxy -listen "$LISTEN_HOST:$LISTEN_PORT" -upstream "http://$UPSTREAM_HOST:$UPSTREAM_PORT" \
  -max-idle-conns "$TOTAL" -max-idle-conns-per-host "$POOL" \
  -max-conns-per-host "${MOST:-0}" -idle-conn-timeout "${IDLE:-90}s"
