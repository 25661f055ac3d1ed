/** Gateways with a known fault, as command lines for the bench. */

import { ROOT } from "./root.ts";

/** A gateway of the folder `planted`, which runs in Deno. */
export function plantedInDeno(name: string): string {
  return `"${Deno.execPath()}" run --no-prompt --cached-only --allow-net ` +
    `"${ROOT}tests/support/planted/${name}.ts" {listen} {upstream_host}:{upstream_port}`;
}

/**
 * nginx with these lines in its `http` block, which may name `{listen}`, `{upstream_host}` and the like, and
 * include `servers.conf`, which has a line `server` for each backend.
 */
export function plantedNginx(http: string, events = "worker_connections 4096;"): string {
  const conf = `daemon off; user root; worker_processes 1; pid nginx.pid; error_log stderr warn;
events { ${events} }
http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
uwsgi_temp_path u; scgi_temp_path s; keepalive_requests 1000000000;
${http}
}`;
  return `export PATH="$PATH:/usr/sbin"; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
cat >"$d/nginx.conf" <<'END'
${conf}
END
for u in $(echo {upstreams} | tr , ' '); do echo "server $u;"; done >"$d/servers.conf"
nginx -p "$d" -c "$d/nginx.conf" -e stderr & wait $!`;
}

/** HAProxy with these lines in its default section; it logs what fails on standard error. */
export function plantedHaproxy(defaults: string, options = "", bind = "backlog 4096"): string {
  const cfg = `global
  maxconn 4000
  log stderr format raw local0 notice
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  ${defaults}
frontend f
  bind {listen} ${bind}
  default_backend b
backend b
  server one {upstream_host}:{upstream_port} ${options}`;
  return `export PATH="$PATH:/usr/sbin"; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
cat >"$d/haproxy.cfg" <<'END'
${cfg}
END
haproxy -db -f "$d/haproxy.cfg" & wait $!`;
}

/**
 * Caddy with these lines in the HTTP transport of its proxy. It keeps what it writes in a folder of its own.
 */
export function plantedCaddy(transport: string): string {
  const caddyfile = `{
  admin off
  auto_https off
  log {
    level WARN
  }
}
http://:{listen_port} {
  bind {listen_host}
  reverse_proxy {upstream_host}:{upstream_port} {
    transport http {
      ${transport}
    }
  }
}`;
  return `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; export HOME="$d" XDG_CONFIG_HOME="$d" XDG_DATA_HOME="$d"
cat >"$d/caddyfile" <<'END'
${caddyfile}
END
caddy run --config "$d/caddyfile" --adapter caddyfile & wait $!`;
}

/** The gateway `faulty` of the folder `planted` with this fault, in Node or Python. */
export function plantedScript(language: "node" | "python3", fault: string, limit?: number): string {
  const file = `${ROOT}tests/support/planted/faulty.${language === "node" ? "mjs" : "py"}`;
  return `${language} "${file}" {listen} {upstream_host}:{upstream_port} ${fault} ${limit ?? ""}`;
}

/** The gateway of the folder `planted` that opens a connection for nearly each request, in this language. */
export function opensForEachRequest(language: "node" | "python3" | "go"): string {
  const file = `"${ROOT}tests/support/planted/new_connections`;
  const args = "{listen} {upstream_host}:{upstream_port}";
  if (language === "node") return `node ${file}.mjs" ${args}`;
  if (language === "python3") return `python3 -u ${file}.py" ${args}`;
  return `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; export HOME="\${HOME:-$d}"
GO111MODULE=off GOFLAGS= GOWORK=off go build -o "$d/gateway" ${file}.go" && "$d/gateway" ${args} & wait $!`;
}
