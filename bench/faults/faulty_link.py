"""Two hosts, as network namespaces on this one, and between them a cable that this process holds: it may
delay packets, lose them, swallow them, or end connections. Needs root, ip and /dev/net/tun."""
import fcntl
import heapq
import os
import pathlib
import random
import selectors
import shutil
import signal
import struct
import subprocess
import threading
import time

HOSTS = {"lodestone-a": "10.77.0.1", "lodestone-b": "10.77.0.2"}
NETWORK = "10.77.0.0/24"
SET_INTERFACE, TUN, NO_PACKET_INFO = 0x400454CA, 0x0001, 0x1000
TCP, ACK, RST = 6, 0x10, 0x04
# What ssh does elsewhere: a command on the host of this name.
AGENT = """#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"
"""


def sum_16(data):
    """The Internet's checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reset(source, target, ports, sequence, acknowledged):
    """A packet that ends a TCP connection, as if `source` had sent it."""
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, RST | ACK, 0, 0, 0)
    check = sum_16(source + target + struct.pack(">HH", TCP, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack(">H", check) + tcp[18:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, TCP, 0, source, target)
    return ip[:10] + struct.pack(">H", sum_16(ip)) + ip[12:] + tcp


class FaultyLink(threading.Thread):
    """The cable. `fault` may be set at any time: "none"; "delay": each packet waits for up to 20 ms and one
    in 100 is lost; "reset": each TCP connection that sends something is ended for both; "half-open": what the
    second host sends is swallowed; "partition": all is."""

    def __init__(self, seed=1):
        super().__init__(daemon=True)
        self.fault, self.dice, self.late, self.number = "none", random.Random(seed), [], 0
        self.counts = {"passed": 0, "delayed": 0, "lost": 0, "reset": 0}
        self.ends, self.ending, self.failure = [], False, None

    def __enter__(self):
        unplug()  # what a killed process may have left
        try:
            for i, (name, address) in enumerate(HOSTS.items()):
                self.ends.append(self.plug(name, address, f"lodestone{i}"))
        except BaseException:
            unplug()
            raise
        self.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.join()
        for end in self.ends:
            os.close(end)
        unplug()
        if self.failure:
            raise self.failure

    def plug(self, name, address, device):
        subprocess.run(["ip", "netns", "add", name], check=True)
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, SET_INTERFACE, struct.pack("16sH", device.encode(), TUN | NO_PACKET_INFO))
        for words in (f"link set {device} netns {name}", f"-n {name} addr add {address}/24 dev {device}",
                      f"-n {name} link set lo up",
                      f"-n {name} link set {device} up"):
            subprocess.run(["ip", *words.split()], check=True)
        etc = pathlib.Path("/etc/netns") / name
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "hosts").write_text("127.0.0.1 localhost\n"
                                   + "".join(f"{ip} {host}\n" for host, ip in HOSTS.items()))
        return end

    def run(self):
        try:
            with selectors.DefaultSelector() as waiting:
                for side, end in enumerate(self.ends):
                    waiting.register(end, selectors.EVENT_READ, side)
                while not self.ending:
                    self.carry_all(waiting)
        except Exception as error:  # a link that is gone must not pass for one that swallows packets
            self.failure = error

    def carry_all(self, waiting):
        soon = max(0.0, self.late[0][0] - time.monotonic()) if self.late else 0.1
        for key, _ in waiting.select(min(soon, 0.1)):
            self.carry(os.read(key.fd, 65536), key.data)
        while self.late and self.late[0][0] <= time.monotonic():
            self.send(*heapq.heappop(self.late)[2:])

    def send(self, side, packet):
        try:
            os.write(self.ends[side], packet)
        except BlockingIOError:  # its queue is full: a network may lose packets
            self.counts["lost"] += 1

    def carry(self, packet, side):
        """Takes a packet from one side to the other, or not."""
        fault = self.fault
        if packet[0] >> 4 != 4:
            return
        if fault == "delay":
            kind = "lost" if self.dice.random() < 0.01 else "delayed"
            self.number += 1
            if kind == "delayed":
                heapq.heappush(self.late, (time.monotonic() + self.dice.uniform(0, 0.02), self.number,
                                           1 - side, packet))
        elif fault == "partition" or fault == "half-open" and side == 1:
            kind = "lost"
        elif fault == "reset" and packet[9] == TCP:
            kind = "reset"
            self.end_connection(packet, side)
        else:
            kind = "passed"
            self.send(1 - side, packet)
        self.counts[kind] += 1

    def end_connection(self, packet, side):
        head = (packet[0] & 15) * 4
        source, target = packet[12:16], packet[16:20]
        here, there, sequence, acknowledged = struct.unpack(">HHII", packet[head:head + 12])
        self.send(1 - side, reset(source, target, (here, there), sequence, acknowledged))
        self.send(side, reset(target, source, (there, here), acknowledged, sequence))


def kill_all_on(name):
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
    for pid in map(int, pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def unplug():
    """Ends both hosts."""
    for name in HOSTS:
        kill_all_on(name)
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
        shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def write_hosts(folder):
    """Files for mpirun: how to reach a host, and which there are."""
    (folder / "agent").write_text(AGENT)
    (folder / "agent").chmod(0o755)
    (folder / "hosts").write_text("".join(f"{name} slots=1\n" for name in HOSTS))


def on_first_host(command):
    """The command line that runs `command`, a list, on the first host."""
    name = next(iter(HOSTS))
    return ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh",
            *map(str, command)]
