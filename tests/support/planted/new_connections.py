# A gateway in Python that opens a connection for each request. Its arguments are where it listens and its
# upstream, each as HOST:PORT.
import http.client
import http.server
import logging
import sys

(host, port), (upstream_host, upstream_port) = [text.split(":") for text in sys.argv[1:]]


class Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            connection = http.client.HTTPConnection(upstream_host, int(upstream_port))
            connection.request("GET", self.path)
            body = connection.getresponse().read()
            connection.close()
            self.send_response(200)
        except OSError:
            logging.exception("could not ask the upstream")
            body = b""
            self.send_response(502)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024


Server((host, int(port)), Gateway).serve_forever()
