/**
 * The server's side of SPDY/3.1, as much of it as `kubectl exec` speaks: the client opens streams, and bytes
 * flow on them. No flow control: client and server of Kubernetes have none of their own here either
 * (moby/spdystream).
 *
 * @see https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
 */

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { deflateRawSync, deflateSync, inflateSync } from "node:zlib";
import * as zlib from "node:zlib";

/**
 * What headers are compressed with (draft 3.1, 2.6.10.1): names and values, each after its length, and more.
 */
const NAMES = "options head post put delete trace accept accept-charset accept-encoding accept-language " +
  "accept-ranges age allow authorization cache-control connection content-base content-encoding " +
  "content-language content-length content-location content-md5 content-range content-type date etag expect " +
  "expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified " +
  "location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te " +
  "trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status";
const PAIRS = ["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"];
const MORE =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Author" +
  "itative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not " +
  "Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug " +
  "Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg," +
  "image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip," +
  "deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
const dictionary = Buffer.concat([
  ...[...NAMES.split(" "), ...PAIRS].flatMap((word) => [uint32(word.length), Buffer.from(word)]),
  Buffer.from(MORE),
]);

const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;

/** The flag of a frame after which none follows on its stream. */
const FIN = 1;

/**
 * Takes the streams that a client opens on a connection.
 *
 * @param onStream is given the headers of each, and its bytes: what is written goes to the client, and its
 * end is the end of that direction alone.
 * @returns ends the connection once all that was written has gone.
 */
export function acceptSpdy(
  socket: Duplex,
  onStream: (headers: ReadonlyMap<string, string>, stream: Duplex) => void,
): () => void {
  const streams = new Map<number, Duplex>();
  const headers = { read: headerReader(), write: headerWriter() };
  let lastId = 0;
  let kept: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    kept = Buffer.concat([kept, bytes]);
    for (let size; kept.length >= 8 && kept.length >= (size = 8 + kept.readUIntBE(5, 3));) {
      const frame = kept.subarray(0, size);
      kept = kept.subarray(size);
      if (frame[0]! & 0x80) onControl(frame.readUInt16BE(2), frame.subarray(8), frame);
      else onData(frame.readUInt32BE(0), frame.subarray(8), frame[4]!);
    }
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => streams.forEach((stream) => stream.destroy()));
  return () => {
    socket.write(control(GOAWAY, Buffer.concat([uint32(lastId), uint32(0)])));
    socket.end();
  };

  function onControl(type: number, body: Buffer, frame: Buffer): void {
    if (type === PING) socket.write(frame);
    else if (type === RST_STREAM) streams.get(body.readUInt32BE(0))?.destroy();
    else if (type === SYN_STREAM) {
      const id = lastId = body.readUInt32BE(0);
      const stream = open(id);
      streams.set(id, stream);
      socket.write(control(SYN_REPLY, Buffer.concat([uint32(id), headers.write()])));
      onStream(headers.read(body.subarray(10)), stream);
    }
  }

  function onData(id: number, bytes: Buffer, flags: number): void {
    const stream = streams.get(id);
    if (bytes.length > 0 && stream?.push(bytes) === false) socket.pause();
    if (flags & FIN) stream?.push(null);
  }

  function open(id: number): Duplex {
    const send = (bytes: Buffer, flags: number, done: (error?: Error | null) => void) => {
      socket.write(Buffer.concat([uint32(id), uint32(flags * 2 ** 24 + bytes.length), bytes]), done);
    };
    return new Duplex({
      read: () => void socket.resume(),
      write: (chunk: Buffer, _, done) => send(chunk, 0, done),
      final: (done) => send(Buffer.alloc(0), FIN, done),
    });
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function control(type: number, body: Buffer): Buffer {
  return Buffer.concat([uint32(0x80030000 + type), uint32(body.length), body]);
}

/** What a connection's client has compressed is one stream, which is read anew with each block of headers. */
function headerReader(): (block: Buffer) => Map<string, string> {
  let compressed: Buffer = Buffer.alloc(0);
  let known = 0;
  return (block) => {
    compressed = Buffer.concat([compressed, block]);
    const text = inflateSync(compressed, { dictionary, finishFlush: zlib.constants.Z_SYNC_FLUSH });
    let at = known;
    known = text.length;
    const number = () => text.readUInt32BE((at += 4) - 4);
    const word = () => {
      const length = number();
      return text.toString("utf8", at, at += length);
    };
    return new Map(Array.from({ length: number() }, () => [word(), word()]));
  };
}

/** No headers, as often as it is asked. Only the first block begins the compressed stream. */
function headerWriter(): () => Buffer {
  const [none, options] = [uint32(0), { finishFlush: zlib.constants.Z_SYNC_FLUSH }];
  let begun = false;
  return () => {
    if (begun) return deflateRawSync(none, options);
    begun = true;
    return deflateSync(none, { ...options, dictionary });
  };
}
