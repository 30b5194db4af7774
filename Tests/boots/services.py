#!/usr/bin/env python3
"""What a node finds on its network: a package repository that only a proxy reaches.

    services.py ADDRESS PORT DIRECTORY LOG     serves until its standard input ends

A GET for http://deb.test/PATH is answered with DIRECTORY/PATH; every other host is unknown. LOG gets one line for each
request: what was asked for, and by which program."""

import http.server
import sys
import threading
import urllib.parse
from pathlib import Path

HOST = "deb.test"


class Proxy(http.server.BaseHTTPRequestHandler):
    directory: Path
    log: Path

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        with open(type(self).log, "a") as log:
            log.write(f"{self.path} {self.headers.get('User-Agent', '-')}\n")
        file = (type(self).directory / url.path.lstrip("/")).resolve()
        if url.hostname != HOST:
            self.send_error(502, "the host is not known")
        elif type(self).directory not in file.parents or not file.is_file():
            self.send_error(404)
        else:
            contents = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(contents)))
            self.end_headers()
            self.wfile.write(contents)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    address, port, directory, log = sys.argv[1:5]
    Proxy.directory, Proxy.log = Path(directory).resolve(), Path(log)
    server = http.server.ThreadingHTTPServer((address, int(port)), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
