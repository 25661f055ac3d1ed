/** Gateways with a known fault, as command lines for the bench. */

import { ROOT } from "./root.ts";

/** A gateway of the folder `planted`, which runs in Deno. */
export function plantedInDeno(name: string): string {
  return `"${Deno.execPath()}" run --no-prompt --cached-only --allow-net ` +
    `"${ROOT}tests/support/planted/${name}.ts" {listen} {upstream_host}:{upstream_port}`;
}

/** nginx with these lines in its `http` block, which may name `{listen}`, `{upstream_host}` and the like. */
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
nginx -p "$d" -c "$d/nginx.conf" -e stderr & wait $!`;
}
