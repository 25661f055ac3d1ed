/**
 * Which responses of `fetch` can be forwarded, and in what form.
 *
 * @module
 */

import type { Failure } from "../failure_log.ts";
import { type Field, forwardedResponseFields, PER_CONNECTION_FIELDS } from "../../http1/forwarding_rules.ts";

/** The content codings that `fetch` decodes. It leaves the fields that describe them. */
const DECODED_BY_FETCH: ReadonlySet<string> = new Set(["gzip", "br"]);

/**
 * A list of codings. `fetch` decodes nothing of a list in one field, and the first coding of two fields;
 * afterwards both look the same.
 */
const FIRST_OF_SEVERAL = /^(?:gzip|br)\s*,/i;

/** Fields that describe the coded content (RFC 9110 §8, RFC 9530), which a decoded response cannot keep. */
const OF_CODED_CONTENT: ReadonlySet<string> = new Set([
  "accept-ranges",
  "content-digest",
  "content-encoding",
  "content-length",
  "content-md5",
  "digest",
  "repr-digest",
]);

/** The properties of a request that decide how its response is forwarded. */
export interface Asked {
  /** The request's method. */
  readonly method: string;
  /** Whether `fetch` decodes a compressed response to it: see {@linkcode fetchDecodes}. */
  readonly decoding: boolean;
}

/**
 * Whether `fetch` decodes the response to a request with this `Accept-Encoding`, with a `Range` or without.
 */
export function fetchDecodes(
  { acceptEncoding, hasRange }: { readonly acceptEncoding: string; readonly hasRange: boolean },
): boolean {
  return !hasRange && acceptEncoding.toLowerCase() !== "identity";
}

/** Why a response must not reach the client; `undefined` if it may. */
export function whyNotPassedOn(
  { status, headers }: Response,
  { decoding }: Pick<Asked, "decoding">,
): Failure | undefined {
  const transferEncoding = headers.get("transfer-encoding");
  if (status < 200 || status > 599) return unusable(`status ${status}`);
  if (transferEncoding !== null) {
    if (transferEncoding.toLowerCase() !== "chunked") return unusable("transfer coding other than chunked");
    if (headers.has("content-length")) return unusable("both Content-Length and Transfer-Encoding");
  }
  if (decoding && FIRST_OF_SEVERAL.test(headers.get("content-encoding") ?? "")) {
    return unusable("several content codings, of which fetch may have undone the first");
  }
  if (status === 206 && decoding && isCoded(headers)) {
    return unusable("a compressed range, which fetch cannot leave as it is");
  }
  return undefined;
}

/**
 * The response as the client gets it: without fields about the upstream's connection, and with fields that
 * describe the content as it is now.
 */
export function toClient(response: Response, { method, decoding }: Asked): Response {
  const { status, headers } = response;
  const decoded = decoding && isCoded(headers);
  const needsBody = method === "HEAD" && (decoded || !headers.has("content-length"));
  if (!decoded && !needsBody && !hasPerConnectionField(headers)) return response;

  const fields = fieldsOf(headers);
  const forwarded = forwardedResponseFields(decoded ? relabelled(fields) : fields);
  const upgrade = headers.get("upgrade");
  // A 426 says with Upgrade what it asks for (RFC 9110 §15.5.22).
  if (status === 426 && upgrade !== null) forwarded.push(["connection", "Upgrade"], ["upgrade", upgrade]);
  // Deno.serve invents `Content-Length: 0` for a HEAD response without a body, but not for one with a stream.
  const body = needsBody ? emptyStream() : response.body;
  return new Response(body, { status, headers: forwarded as [string, string][] });
}

/** A stream that ends at once. */
export function emptyStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

/** The fields of a `Headers` object, as iterating over it gives them, but several times faster. */
export function fieldsOf(headers: Headers): Field[] {
  const fields: Field[] = [];
  headers.forEach((value, name) => fields.push([name, value]));
  return fields;
}

function hasPerConnectionField(headers: Headers): boolean {
  for (const name of PER_CONNECTION_FIELDS) if (headers.has(name)) return true;
  return false;
}

function isCoded(headers: Headers): boolean {
  const coding = headers.get("content-encoding");
  return coding !== null && DECODED_BY_FETCH.has(coding.toLowerCase());
}

/**
 * Fields that describe the decoded content. A strong ETag would promise bytes that the client does not get
 * (RFC 9110 §8.8.1).
 */
function relabelled(fields: readonly Field[]): Field[] {
  return fields.filter(([name]) => !OF_CODED_CONTENT.has(name))
    .map(([name, value]) =>
      name === "etag" && !value.startsWith("W/") ? [name, `W/${value}`] : [name, value]
    );
}

function unusable(reason: string): Failure {
  return { code: "EPROTO", step: "response", reason };
}
