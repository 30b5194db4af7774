"""The network of a rack: a bridge in a namespace of its own, without a way to this machine's network."""

import itertools

from outside import run

_numbers = itertools.count(1)


class Wire:
    """A bridge that has the addresses of the recipe's gateway, mirror and name server. Nothing serves there, and it
    says so at once: without an answer each question would wait for seconds. Programs of the harness use the network in
    its namespace."""

    ADDRESSES = ("192.168.50.1/24", "192.168.50.2/24", "192.168.50.3/24", "fd00:50::3/64")

    def __init__(self) -> None:
        self.namespace = f"wire{next(_numbers)}"
        self._ports = itertools.count(1)
        run("ip", "netns", "add", self.namespace)
        self._ip("link", "set", "lo", "up")
        self._ip("link", "add", "br0", "type", "bridge")
        for address in self.ADDRESSES:
            self._ip("addr", "add", address, "dev", "br0")
        self._ip("link", "set", "br0", "up")

    def _ip(self, *words: str) -> None:
        run("ip", "-n", self.namespace, *words)

    def plug_in(self, namespace: str) -> None:
        """Makes the network namespace of a node, with the interface eth0, as its kernel does at every boot."""
        self.pull_out(namespace)
        port = f"p{next(self._ports)}"
        run("ip", "netns", "add", namespace)
        self._ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        self._ip("link", "set", port, "master", "br0", "up")

    def pull_out(self, namespace: str) -> None:
        # A copy of the namespace's mount may keep it, and its kernel would go on answering for the node's address.
        run("ip", "-n", namespace, "link", "del", "eth0", check=False)
        run("ip", "netns", "del", namespace, check=False)

    def remove(self) -> None:
        run("ip", "netns", "del", self.namespace, check=False)

    def command(self, *words: str) -> list[str]:
        """A command that runs in this network."""
        return ["ip", "netns", "exec", self.namespace, *words]
