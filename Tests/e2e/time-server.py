"""A time server (SNTP, RFC 4330) on this machine's loopback, where QEMU's network leads its guests."""
import socket
import struct
import time

ERA = 2208988800  # 1970, in seconds since 1900


def stamp():
    now = time.time() + ERA
    return struct.pack(">II", int(now), int(now % 1 * 2**32))


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 123))
while True:
    request, sender = server.recvfrom(512)
    received = stamp()
    if len(request) >= 48:
        head = struct.pack(">BBbbII4s", 0x24, 1, 6, -20, 0, 0, b"E2E\0")
        server.sendto(head + received + request[40:48] + received + stamp(), sender)
