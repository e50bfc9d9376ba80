"""Two hosts on this one: each has processes, a name, network devices and shared memory of its own. They share
files."""
import pathlib
import socket
import subprocess

from small_run import Child, until

# A script that becomes the host's first process, its service: when that ends, so does all that runs there.
INIT = """hostname {name}
mount -t tmpfs none /dev/shm
ip link set lo up
read -r _  # the network is up
exec {service}"""
SSHD = """Port 22
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
"""
SSH = """Host *
IdentityFile {folder}/user_key
UserKnownHostsFile {folder}/known_hosts
StrictHostKeyChecking yes
BatchMode yes
ConnectTimeout 3
"""
NAMES = ("hosta", "hostb")
NETWORKS = {"office0": "10.78.0", "data0": "10.77.0"}  # by device; names are looked up in the first


class Sshd:
    """The files of an sshd and of ssh: keys, who may come in, which hosts are known."""

    def __init__(self, folder):
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "sshd_config").write_text(SSHD.format(folder=folder))
        (folder / "ssh_config").write_text(SSH.format(folder=folder))
        key = (folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text("".join(f"{name} {key}" for name in NAMES))
        pathlib.Path("/run/sshd").mkdir()
        self.service, self.client = (f"/usr/sbin/sshd -D -e -f {folder}/sshd_config",
                                     f"ssh -F {folder}/ssh_config")


class Hosts:
    """hosta and hostb on two networks, which are bridges in the network namespace of this process; it has a
    place there too."""

    def __init__(self, folder, service, environment=None):
        """`service` is what runs on each host, in `environment`."""
        self.folder, self.service, self.environment = folder, service, environment
        self.init, self.pid = {}, {}
        names = [*NAMES, socket.gethostname()]
        (folder / "etc_hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{NETWORKS['office0']}.{number} {name}\n" for number, name in enumerate(names, 1)))
        subprocess.run(["mount", "--bind", folder / "etc_hosts", "/etc/hosts"], check=True)
        for device, network in NETWORKS.items():
            for words in (f"link add {device} type bridge", f"link set {device} up",
                          f"addr add {network}.{len(names)}/24 dev {device}"):
                subprocess.run(["ip", *words.split()], check=True)
        for name in NAMES:
            self.boot(name)

    def boot(self, name):
        """Switches a host on."""
        walls = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--uts", "--net",
                 "--ipc"]
        script = INIT.format(name=name, service=self.service)
        init = Child([*walls, "sh", "-c", script], self.folder / f"{name}.out", stdin=subprocess.PIPE,
                     env=self.environment)
        children = pathlib.Path(f"/proc/{init.process.pid}/task/{init.process.pid}/children")
        self.init[name] = init
        self.pid[name] = int(until(60, f"{name} is up", lambda: init.alive() and children.read_text()))
        until(60, f"{name} has its name", lambda: init.alive() and self.run(name, "hostname").strip() == name)
        for index, (device, network) in enumerate(NETWORKS.items()):
            number, plug = NAMES.index(name) + 1, f"{name}-{device}"
            subprocess.run(["ip", "link", "add", plug, "type", "veth", "peer", "name", device, "netns",
                            str(self.pid[name])], check=True)
            subprocess.run(["ip", "link", "set", plug, "master", device, "up"], check=True)
            # The same hardware address when it comes back: others remember it.
            self.run(name, "ip", "link", "set", device, "address", f"02:00:00:00:0{index}:0{number}", "up")
            self.run(name, "ip", "addr", "add", f"{network}.{number}/24", "dev", device)
        init.process.stdin.write(b"\n")
        init.process.stdin.close()

    def command(self, name, *words):
        """The words of a command that runs on a host."""
        return ["nsenter", f"--target={self.pid[name]}", "--pid", "--mount", "--uts", "--net", "--ipc", "--",
                *map(str, words)]

    def run(self, name, *words):
        return subprocess.run(self.command(name, *words), check=True, capture_output=True, text=True).stdout

    def sent(self, name, device):
        """Bytes that a host has sent through a device."""
        lines = self.run(name, "cat", "/proc/net/dev").splitlines()
        return next(int(line.split()[9]) for line in lines if line.split()[0] == f"{device}:")

    def lose(self, name):
        """As when its power fails: it can't say a word any more, and nothing there runs."""
        for device in NETWORKS:
            subprocess.run(["ip", "link", "del", f"{name}-{device}"], check=True)
        self.init[name].__exit__()

    def stop(self):
        for init in self.init.values():
            init.__exit__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
