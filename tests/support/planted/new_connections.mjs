// A gateway in Node that keeps one idle connection and closes all others itself. Its arguments are where it
// listens and its upstream, each as HOST:PORT.
import http from "node:http";

const [[host, port], [upstreamHost, upstreamPort]] = process.argv.slice(2).map((text) => text.split(":"));
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1 });
http.createServer((request, response) => {
  const options = { host: upstreamHost, port: upstreamPort, path: request.url, agent };
  const out = http.request(options, (answer) => {
    response.writeHead(answer.statusCode);
    answer.pipe(response);
  });
  out.on("error", (error) => {
    console.error(error);
    response.writeHead(502);
    response.end();
  });
  request.pipe(out);
}).listen(Number(port), host);
