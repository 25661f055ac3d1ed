/**
 * What a gateway does to header fields, in both directions and in every transport.
 *
 * The functions take fields as received: pairs of a name, in any case, and a value. A `Headers` object is
 * such an iterable, and so is the raw list of a parser.
 *
 * - Fields about one connection stay on it (RFC 9110 §7.6.1): `Connection` and whatever it names,
 *   `Keep-Alive`, `Proxy-Connection`, `TE`, `Transfer-Encoding`, `Upgrade`. So do `Proxy-Authenticate` and
 *   `Proxy-Authorization`, which are meant for the first proxy. `Trailer` goes on only in a transport that
 *   forwards trailers, which `net-http` is.
 * - `Connection` cannot remove `Content-Length`, which says where the message ends.
 * - `Host` becomes the upstream's authority. What the client asked for stands in `X-Forwarded-Host`.
 * - `X-Forwarded-For` gets the client's address at the end of what was there; `X-Forwarded-Proto` and
 *   `X-Forwarded-Host` are replaced, because a client may not choose them.
 * - `Via` gets the gateway's own entry at its end in requests, as RFC 9110 §7.6.3 asks of a gateway; in
 *   responses it may be left out, and is. A request that names this very gateway there has come round in a
 *   loop, and is answered 508.
 * - `Max-Forwards` counts down in `OPTIONS` and `TRACE` (RFC 9110 §7.6.2), and at 0 the gateway answers
 *   itself.
 * - Of trailers only those pass whose definition permits them there (RFC 9110 §6.5.1).
 *
 * @module
 */

/** One header field: its name and its value. */
export type Field = readonly [name: string, value: string];

/** What the gateway knows about a request's client. */
export interface Client {
  /** The client's IP address, as `X-Forwarded-For` shows it. */
  readonly address: string;
  /**
   * The authority that the client asked for: the `Host` field or, where there is one, that of the absolute
   * target (RFC 9112 §3.2.2).
   */
  readonly host: string;
  /** The client's version of HTTP, for `Via`. Default 1.1. */
  readonly version?: "1.0" | "1.1";
  /** The gateway's name in `Via`: see {@linkcode makePseudonym}. */
  readonly pseudonym: string;
}

/**
 * A name for one gateway in `Via`. No other gateway has it, so that a request which names it has come round
 * in a loop. Each thread of a gateway has its own name: a loop ends when it reaches a thread for the second
 * time.
 */
export function makePseudonym(): string {
  return `timewait-${crypto.randomUUID().slice(0, 18)}`;
}

/** Whether a `Via` field says that the request has come through this gateway before (RFC 9110 §7.6.3). */
export function hasBeenHere(via: string, pseudonym: string): boolean {
  return via.split(",").some((entry) => entry.trim().split(/[ \t]+/)[1] === pseudonym);
}

/** The refusal of a request that has been here before (508 is from RFC 5842 §7.2). */
export const LOOP = {
  status: 508,
  reason: "the request has come through this gateway before: its upstream leads back to it",
} as const;

/** Fields about one connection, in lower case. None of them is forwarded, in either direction. */
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

/**
 * Request fields that the gateway writes in place of what the client sent. `Host` is left to the transport.
 */
export const WRITTEN_BY_GATEWAY: ReadonlySet<string> = new Set([
  "host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/**
 * Fields whose definition permits them in a trailer section, which no other field may stand in (RFC 9110
 * §6.5.1): those of RFC 9110, the digests of RFC 9530 and of RFC 3230 before it, signatures (RFC 9421),
 * `Server-Timing`, and those of gRPC.
 */
const TRAILERS: ReadonlySet<string> = new Set([
  ...["accept-ranges", "authentication-info", "etag"],
  ...["content-digest", "digest", "repr-digest"],
  ...["signature", "signature-input"],
  "server-timing",
  ...["grpc-message", "grpc-status", "grpc-status-details-bin"],
]);

/** Whether a trailer field of this name, in lower case, is forwarded. */
export function passesAsTrailer(name: string): boolean {
  return TRAILERS.has(name);
}

/** The largest `Max-Forwards` that is forwarded. A larger value is lowered to it (RFC 9110 §7.6.2). */
const MOST_FORWARDS = 2_147_483_647;

/**
 * The `Max-Forwards` to forward with a request; `undefined` if the request has none or its method does not
 * use it. -1 means that the request may go no further and is answered here.
 *
 * @throws {SyntaxError} for a value that is not a number.
 */
export function countedForwards(method: string, value: string | undefined): number | undefined {
  if (value === undefined || (method !== "OPTIONS" && method !== "TRACE")) return undefined;
  if (!/^\d+$/.test(value)) throw new SyntaxError("the Max-Forwards is malformed");
  return Math.min(Number(value) - 1, MOST_FORWARDS);
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The names of fields that a `Connection` field lists, in lower case, without fields that never pass anyway;
 * nearly always empty.
 *
 * `Content-Length` is never among them.
 */
export function namedInConnection(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return NONE;
  const named = connection.toLowerCase().split(",").map((option) => option.trim());
  return new Set(
    named.filter((name) => name !== "" && name !== "content-length" && !PER_CONNECTION_FIELDS.has(name)),
  );
}

/**
 * The fields of a request as the upstream gets them: in the order received, the gateway's own last. The
 * transport adds `Host`.
 */
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
    ["via", `${client.version ?? "1.1"} ${client.pseudonym}`],
    ["x-forwarded-for", forwardedFor + client.address],
    ["x-forwarded-host", client.host],
    ["x-forwarded-proto", "http"],
  );
  return forwarded;
}

/** The fields of a response as the client gets them, in the order received. */
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
