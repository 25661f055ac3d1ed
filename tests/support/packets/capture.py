# Counts the connections to a TCP port of this network namespace from the packets that open and end them. Its
# argument is the port. Prints `ready`, and upon a line on standard input what it has seen, as JSON: for each
# peer, who sent the first FIN or RST, and which.
import json
import select
import socket
import struct
import sys

FIN, SYN, RST, ACK = 1, 2, 4, 16
port = int(sys.argv[1])
ALL, IPV4 = 3, 0x0800
# Packets that leave are seen by sockets for all protocols only.
packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
connections = {}


def see(packet):
    if packet[9] != socket.IPPROTO_TCP:
        return
    tcp = packet[(packet[0] & 15) * 4 :]
    source, target, flags = *struct.unpack("!HH", tcp[:4]), tcp[13]
    if target == port and flags & SYN and not flags & ACK:
        connections[source] = None
    elif flags & (FIN | RST) and port in (source, target):
        peer, by = (source, "peer") if target == port else (target, "backend")
        # A reset that follows a FIN ends nothing any more.
        if peer in connections and connections[peer] is None:
            connections[peer] = f"{by} {'rst' if flags & RST else 'fin'}"


print("ready", flush=True)
while True:
    readable, _, _ = select.select([packets, sys.stdin], [], [])
    if packets in readable:
        packet, (_, protocol, *_) = packets.recvfrom(65535)
        if protocol == IPV4:
            see(packet)
    elif sys.stdin in readable:
        print(json.dumps(list(connections.values())), flush=True)
        break
