import { assertEquals } from "@std/assert";
import { explainFetchError } from "../../../tools/transport/http_client/fetch_error.ts";

function failed(message: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(message) });
}

Deno.test("an errno in the error becomes its name", () => {
  const sending = "error sending request for url (http://127.0.0.1:1/a): client error";
  assertEquals(
    explainFetchError(
      failed(`${sending} (Connect): tcp connect error: Cannot assign requested address (os error 99)`),
    ),
    { code: "EADDRNOTAVAIL", step: "connect", reason: "cannot assign requested address" },
  );
  assertEquals(
    explainFetchError(
      failed(`${sending} (SendRequest): connection error: Connection reset by peer (os error 104)`),
    ),
    { code: "ECONNRESET", step: "response", reason: "connection reset by peer" },
  );
});

Deno.test("a reset is the upstream's, although it does not say so", () => {
  assertEquals(explainFetchError(failed("Connection reset by peer (os error 104)")), {
    code: "ECONNRESET",
    step: "response",
    reason: "connection reset by peer",
  });
});

Deno.test("a failure without an errno gets a name of its own", () => {
  const sending = "error sending request for url (http://h:1/a): client error";
  const codeOf = (rest: string) => explainFetchError(failed(`${sending} ${rest}`))?.code;
  assertEquals(
    codeOf("(Connect): dns error: failed to lookup address information: Name or service not known"),
    "ENOTFOUND",
  );
  assertEquals(codeOf("(SendRequest): connection closed before message completed"), "EOF");
  assertEquals(explainFetchError(failed(`${sending} (SendRequest): invalid HTTP version parsed`)), {
    code: "EPROTO",
    step: "response",
    reason: "invalid HTTP version parsed",
  });
});

Deno.test("an error that does not come from the HTTP client is the request's own", () => {
  assertEquals(explainFetchError(failed("invalid HTTP/1 request: Invalid")), undefined);
  assertEquals(
    explainFetchError(failed("Cannot read request body as underlying resource unavailable")),
    undefined,
  );
});

Deno.test("what fetch really throws is understood", async () => {
  const explain = (url: string) => fetch(url).then(() => undefined, explainFetchError);
  // Nobody else can be given the port while this test holds it on another address.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  assertEquals((await explain(`http://127.0.0.77:${port}/`))?.code, "ECONNREFUSED");
  assertEquals((await explain("http://127.0.0.1:6000/"))?.code, "EBLOCKED");
});
