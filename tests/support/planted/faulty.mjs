// A gateway in Node whose handling of its connections has one fault, by name. Its arguments are where it
// listens and its upstream, each as HOST:PORT, the fault, and the limit that the fault is about.
import http from "node:http";

const [listen, upstream, fault, limit = "200"] = process.argv.slice(2);
const [host, port] = listen.split(":");
const [upstreamHost, upstreamPort] = upstream.split(":");
const n = Number(limit);
const shared = new http.Agent({
  keepAlive: true,
  maxFreeSockets: fault === "small" || fault === "bound" ? n : 1000,
  maxSockets: fault === "cap" ? n : Infinity,
  ...(fault === "idle" ? { timeout: n } : {}),
  ...(fault === "bound" ? { localAddress: host } : {}),
});
if (fault === "age") {
  // Ends a connection of this age, in milliseconds, with its next answer.
  const born = new WeakMap();
  shared.keepSocketAlive = (socket) => {
    if (!born.has(socket)) born.set(socket, performance.now());
    return performance.now() - born.get(socket) < n;
  };
}

http.createServer((request, response) => {
  const isNew = fault === "kept" || fault === "closed";
  const agent = fault === "asks" ? false : isNew ? new http.Agent({ keepAlive: true }) : shared;
  const options = { host: upstreamHost, port: upstreamPort, path: request.url, agent };
  const out = http.request(options, (answer) => {
    if (fault === "clients") response.setHeader("Connection", "close");
    response.writeHead(answer.statusCode);
    if (fault === "unread") {
      answer.destroy();
      response.end();
      return;
    }
    if (fault === "closed") answer.on("end", () => setImmediate(() => agent.destroy()));
    answer.pipe(response);
  });
  if (fault === "late") out.setTimeout(n, () => out.destroy(new Error("too late")));
  out.on("error", (error) => {
    if (response.headersSent) return;
    console.error(error);
    response.writeHead(502);
    response.end();
  });
  out.end();
}).listen(Number(port), host, 4096);
