# Opens connections to HOST:PORT and ends them as told: each further argument is how, and how many. Prints
# `done` when the last one has ended, and keeps those that stay until its standard input ends.
#
#   fin   after an answer, by a FIN
#   rst   after an answer, by a reset
#   half  in the middle of a request's body, by a FIN
#   last  asks until the other side ends the connection
#   stay  asks once
import socket
import struct
import sys
import time

host, port = sys.argv[1].split(":")
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
kept = []


def ask(connection):
    try:
        connection.sendall(REQUEST)
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


for word in sys.argv[2:]:
    how, count = word.split("=")
    for _ in range(int(count)):
        connection = socket.create_connection((host, int(port)))
        if how == "half":
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            time.sleep(0.05)
        else:
            ask(connection)
        if how == "last":
            while ask(connection):
                time.sleep(0.005)
        if how == "rst":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "stay":
            kept.append(connection)
        else:
            connection.close()
time.sleep(0.3)
print("done", flush=True)
sys.stdin.read()
