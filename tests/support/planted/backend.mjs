// A backend in Node that ends connections in one way, by name. Its arguments are where it listens, as
// HOST:PORT, how long it takes for an answer in milliseconds, how it ends connections, and the number that
// this is about.
import http from "node:http";

const [listen, latency, ends = "none", number = "20"] = process.argv.slice(2);
const [host, port] = listen.split(":");
const n = Number(number);
const served = new WeakMap();
const rests = new WeakMap();

const server = http.createServer((request, response) => {
  const { socket } = request;
  const count = (served.get(socket) ?? 0) + 1;
  served.set(socket, count);
  const last = ends === "each" || (ends === "limit" && count >= n);
  // One answer in five is an error after which it closes.
  const fails = ends === "errors" && Math.random() < 0.2;
  // Node's own keepAliveTimeout is told to the gateway, which then closes first, and is a second late.
  clearTimeout(rests.get(socket));
  if (ends === "idle") response.on("finish", () => rests.set(socket, setTimeout(() => socket.end(), n)));
  const slow = ends === "slow" && Math.random() < 0.2;
  setTimeout(() => {
    if (last || fails) response.setHeader("Connection", "close");
    if (ends === "silent" && count >= n) response.on("finish", () => setImmediate(() => socket.end()));
    response.writeHead(fails ? 503 : 200, { "Content-Type": "text/plain" });
    response.end("0".repeat(1024));
  }, slow ? n : Number(latency));
});
server.keepAliveTimeout = 600_000;
server.listen(Number(port), host, 4096);
