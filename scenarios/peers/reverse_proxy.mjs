// A gateway as one writes it in Node: http.request over an http.Agent that keeps connections. It sends no request twice.
//
//	node reverse_proxy.mjs 127.0.0.1:8080 127.0.0.1:8081 [FREE [MOST [IDLE]]]
//
// FREE idle connections are kept, at most MOST are opened, and IDLE is the seconds that one is kept.
import http from "node:http";

const [listen, upstream, free = "256", most = "Infinity", idle = "90"] = process.argv.slice(2);
const [[host, port], [upstreamHost, upstreamPort]] = [listen, upstream].map((text) => text.split(":"));
const agent = new http.Agent({
  keepAlive: true,
  maxFreeSockets: Number(free),
  maxSockets: Number(most),
  timeout: 1000 * Number(idle),
});

http.createServer((request, response) => {
  const { method, url: path, headers } = request;
  const out = http.request(
    { host: upstreamHost, port: upstreamPort, method, path, headers, agent },
    (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    },
  );
  out.on("error", (error) => {
    console.error(error.code ?? error.message);
    if (!response.headersSent) response.writeHead(502);
    response.end();
  });
  request.pipe(out);
}).listen(Number(port), host, 4096);
