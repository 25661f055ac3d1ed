# A gateway in Python whose handling of its connections has one fault, by name. Its arguments are where it
# listens and its upstream, each as HOST:PORT, the fault, and the limit that the fault is about.
import collections
import http.client
import http.server
import logging
import sys
import threading

(host, port), (upstream_host, upstream_port) = [text.split(":") for text in sys.argv[1:3]]
fault = sys.argv[3]
limit = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
idle = collections.deque()
allowed = threading.Semaphore(limit if fault == "cap" else 1000)
abandoned = []


class Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0" if fault == "clients" else "HTTP/1.1"

    def ask(self):
        try:
            connection = idle.pop()
        except IndexError:
            source = (host, 0) if fault == "bound" else None
            connection = http.client.HTTPConnection(upstream_host, int(upstream_port), source_address=source)
        connection.request("GET", self.path, headers={"Connection": "close"} if fault == "asks" else {})
        answer = connection.getresponse()
        if fault == "leak":
            abandoned.append((connection, answer))
            return b""
        body = answer.read()
        connection.served = getattr(connection, "served", 0) + 1
        if fault == "closed" or (fault == "limit" and connection.served >= limit) or (fault in ("small", "bound") and len(idle) >= limit):
            connection.close()
        else:
            idle.append(connection)
        return body

    def do_GET(self):
        try:
            with allowed:
                body = self.ask()
            self.send_response(200)
        except (OSError, http.client.HTTPException):
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
