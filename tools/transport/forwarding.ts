/**
 * What a gateway does to the header fields that pass through it, in both directions, for every transport.
 *
 * All of it works on fields as they come: pairs of a name, in whatever case, and a value. A `Headers` object is
 * such an iterable; so is the raw list that a parser makes.
 *
 * - Fields about one connection stay on it (RFC 9110 §7.6.1): `Connection` and whatever it names, `Keep-Alive`,
 *   `Proxy-Connection`, `TE`, `Transfer-Encoding`, `Upgrade`. `Trailer` stays as well, for no transport forwards
 *   trailers yet; so do `Proxy-Authenticate` and `Proxy-Authorization`, which are meant for the first proxy.
 * - `Content-Length` cannot be named away in `Connection`: it says where the message ends, whoever asks.
 * - `Host` becomes the upstream's authority. What the client asked for stands in `X-Forwarded-Host`.
 * - `X-Forwarded-For` gets the client's address at the end of what was there; `X-Forwarded-Proto` and
 *   `X-Forwarded-Host` are replaced, for a client may not choose them.
 *
 * @module
 */

/** One header field: its name and its value. */
export type Field = readonly [name: string, value: string];

/** What the gateway knows about a request besides its fields. */
export interface Client {
  /** The client's IP address, as `X-Forwarded-For` shows it. */
  readonly address: string;
  /** The authority that the client asked for: the `Host` field or, where there is one, that of the absolute target (RFC 9112 §3.2.2). */
  readonly host: string;
}

/** Fields about one connection, in lower case: none of them is forwarded, in either direction. */
export const PER_CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Request fields that the gateway writes itself. `Host` is left to the transport. */
const WRITTEN_BY_GATEWAY: ReadonlySet<string> = new Set([
  "host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

const NONE: ReadonlySet<string> = new Set();

/**
 * The fields that a `Connection` field names, in lower case, without those that never pass anyway; nearly always empty.
 *
 * `Content-Length` is not among them, whatever the field says.
 */
export function namedInConnection(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return NONE;
  const named = connection.toLowerCase().split(",").map((option) => option.trim());
  return new Set(
    named.filter((name) => name !== "" && name !== "content-length" && !PER_CONNECTION_FIELDS.has(name)),
  );
}

/** The fields of a request as they go upstream, in the order they came, those of the gateway last. `Host` is for the transport to add. */
export function forwardedRequestFields(fields: Iterable<Field>, client: Client): Field[] {
  const forwarded: Field[] = [];
  const named = namesToDrop(fields);
  let forwardedFor = "";
  for (const field of fields) {
    const name = field[0].toLowerCase();
    if (PER_CONNECTION_FIELDS.has(name) || named.has(name)) continue;
    if (name === "x-forwarded-for") forwardedFor += `${field[1]}, `;
    if (!WRITTEN_BY_GATEWAY.has(name)) forwarded.push(field);
  }
  forwarded.push(
    ["x-forwarded-for", forwardedFor + client.address],
    ["x-forwarded-host", client.host],
    ["x-forwarded-proto", "http"],
  );
  return forwarded;
}

/** The fields of a response as they go to the client, in the order they came. */
export function forwardedResponseFields(fields: Iterable<Field>): Field[] {
  const forwarded: Field[] = [];
  const named = namesToDrop(fields);
  for (const field of fields) {
    const name = field[0].toLowerCase();
    if (!PER_CONNECTION_FIELDS.has(name) && !named.has(name)) forwarded.push(field);
  }
  return forwarded;
}

function namesToDrop(fields: Iterable<Field>): ReadonlySet<string> {
  let connection: string | undefined;
  for (const [name, value] of fields) {
    if (name.length === 10 && name.toLowerCase() === "connection") {
      connection = connection === undefined ? value : `${connection},${value}`;
    }
  }
  return namedInConnection(connection);
}
