#!/bin/sh
# A gateway in Go that misuses its client in the way that MISUSE names, built from misuse.go. POOL is its
# MaxIdleConnsPerHost, TOTAL its MaxIdleConns; UPSTREAMS, HOST:PORT with commas between, take turns.
set -eu
command -v go >/dev/null || { echo "go is not installed: apt-get install golang-go" >&2; exit 1; }
export HOME="${HOME:-$PWD}"
# A stop waits for the build, which would go on by itself otherwise.
trap 'exit 0' TERM
# Built by itself, whatever module the folder is in.
GO111MODULE=off GOFLAGS='' GOWORK=off go build -o misuse "$PEERS/misuse.go"
exec ./misuse -listen "$LISTEN_HOST:$LISTEN_PORT" -upstreams "${UPSTREAMS:-$UPSTREAM_HOST:$UPSTREAM_PORT}" \
  -misuse "${MISUSE:-none}" -max-idle-conns "$TOTAL" -max-idle-conns-per-host "$POOL"
