import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { settled } from "../support/waiting.ts";
import { RawConnection, startRawUpstream } from "../support/raw_http.ts";
import { startScript } from "../support/script.ts";

const MIB = 1024 * 1024;
const BODY_BYTES = 64 * MIB;
/**
 * Most bytes by which a gateway process may grow while a body of {@linkcode BODY_BYTES} waits: buffers, and
 * garbage that is not collected yet.
 */
const GROWTH_BYTES = 24 * MIB;

/** A piece of a body that is different each time. */
function pieceOf(index: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(65_536 / 4);
  for (let i = 0, x = index + 1; i < words.length; i++) {
    words[i] = x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
  }
  return new Uint8Array(words.buffer);
}

/** A body in flight: the part that was written, and the part that has come. */
class Body {
  written = 0;
  readonly #sent = createHash("sha256");

  async send(conn: Deno.TcpConn): Promise<string> {
    for (let index = 0; this.written < BODY_BYTES; index++) {
      let piece = pieceOf(index);
      this.#sent.update(piece);
      while (piece.length > 0) {
        const count = await conn.write(piece);
        this.written += count;
        piece = piece.subarray(count);
      }
    }
    return this.#sent.digest("hex");
  }
}

async function hashOf(connection: RawConnection): Promise<string> {
  const hash = createHash("sha256");
  const first = connection.takeUnread();
  hash.update(first, "latin1");
  const buffer = new Uint8Array(MIB);
  for (let left = BODY_BYTES - first.length; left > 0;) {
    const count = await connection.conn.read(buffer);
    if (count === null) throw new Error(`the body ended ${left} bytes too early`);
    hash.update(buffer.subarray(0, count));
    left -= count;
  }
  return hash.digest("hex");
}

/** Deno permits only `--allow-all` to read /proc, so another program reads it. */
async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/status`] }).output();
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(new TextDecoder().decode(stdout))![1]) * 1024;
}

const GATEWAYS = {
  "net-http": ["--transport", "net-http"],
  "net-http on epoll": ["--transport", "net-http", "--sockets", "epoll"],
  "http-client": ["--transport", "http-client"],
};

for (const [name, flags] of Object.entries(GATEWAYS)) {
  Deno.test(`${name}: the memory of the gateway's process does not grow with a body that nobody reads, either way`, async () => {
    const body = { down: new Body(), up: new Body() };
    const [sentDown, readUp] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const goOn = Promise.withResolvers<void>();
    const length = `Content-Length: ${BODY_BYTES}\r\n`;
    await using upstream = startRawUpstream(async (connection) => {
      for (;;) {
        const head = await connection.readUntil("\r\n\r\n");
        if (head.startsWith("GET /down")) {
          await connection.write(`HTTP/1.1 200 OK\r\n${length}\r\n`);
          sentDown.resolve(await body.down.send(connection.conn));
        } else if (head.startsWith("POST")) {
          await goOn.promise;
          readUp.resolve(await hashOf(connection));
        }
        if (!head.startsWith("GET /down")) await connection.write("HTTP/1.1 204 No Content\r\n\r\n");
      }
    });
    const args = [...flags, "--upstream", upstream.url, "--listen", "127.0.0.1:0", "--workers", "1"];
    await using gateway = await startScript("gateway", args, ["--allow-ffi"]);
    using client = await RawConnection.open(gateway.address);
    await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.readMessage();
    const before = await residentBytes(gateway.pid);
    const grown = async (what: Body) => {
      assert(await settled(() => what.written) < BODY_BYTES, "all of it is taken although nobody reads");
      return await residentBytes(gateway.pid) - before;
    };

    await client.write("GET /down HTTP/1.1\r\nHost: a\r\n\r\n");
    const whileDown = await grown(body.down);
    assert(whileDown < GROWTH_BYTES, `grown by ${whileDown} bytes while a response waited`);
    await client.readUntil("\r\n\r\n");
    assertEquals(await hashOf(client), await sentDown.promise);

    await client.write(`POST /up HTTP/1.1\r\nHost: a\r\n${length}\r\n`);
    const sending = body.up.send(client.conn);
    const whileUp = await grown(body.up);
    assert(whileUp < GROWTH_BYTES, `grown by ${whileUp} bytes while a request waited`);
    goOn.resolve();
    assertEquals(await readUp.promise, await sending);
    assertEquals((await client.readMessage()).startLine, "HTTP/1.1 204 No Content");
  });
}
