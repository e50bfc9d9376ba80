"""Two hosts on this one: each has processes, a name, network devices, shared memory and an sshd of its own. They share files."""
import pathlib
import subprocess

from small_run import Child, until

# A script that becomes the host's first process: when that ends, so does all that runs there.
INIT = """hostname {name}
mount -t tmpfs none /dev/shm
ip link set lo up
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config"""
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


class Hosts:
    """hosta and hostb on two networks, which are bridges in the network namespace of this process."""

    def __init__(self, folder):
        self.folder, self.init, self.pid = folder, {}, {}
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "sshd_config").write_text(SSHD.format(folder=folder))
        (folder / "ssh_config").write_text(SSH.format(folder=folder))
        key = (folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text("".join(f"{name} {key}" for name in NAMES))
        (folder / "etc_hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{NETWORKS['office0']}.{number} {name}\n" for number, name in enumerate(NAMES, 1)))
        subprocess.run(["mount", "--bind", folder / "etc_hosts", "/etc/hosts"], check=True)
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.file = folder / "hostfile"
        self.file.write_text("".join(f"{name} slots=2\n" for name in NAMES))
        for device in NETWORKS:
            subprocess.run(["ip", "link", "add", device, "type", "bridge"], check=True)
            subprocess.run(["ip", "link", "set", device, "up"], check=True)
        for name in NAMES:
            self.boot(name)

    def boot(self, name):
        """Switches a host on, and waits for its sshd."""
        walls = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--uts", "--net", "--ipc"]
        init = Child([*walls, "sh", "-c", INIT.format(name=name, folder=self.folder)], self.folder / f"{name}.log")
        children = pathlib.Path(f"/proc/{init.process.pid}/task/{init.process.pid}/children")
        self.init[name] = init
        self.pid[name] = int(until(20, f"{name} is up", lambda: init.alive() and children.read_text()))
        until(20, f"sshd of {name}", lambda: init.alive() and "listening" in init.log.read_text())
        for index, (device, network) in enumerate(NETWORKS.items()):
            number, plug = NAMES.index(name) + 1, f"{name}-{device}"
            subprocess.run(["ip", "link", "add", plug, "type", "veth", "peer", "name", device, "netns", str(self.pid[name])], check=True)
            subprocess.run(["ip", "link", "set", plug, "master", device, "up"], check=True)
            # The same hardware address when it comes back: others remember it.
            self.run(name, "ip", "link", "set", device, "address", f"02:00:00:00:0{index}:0{number}", "up")
            self.run(name, "ip", "addr", "add", f"{network}.{number}/24", "dev", device)

    def command(self, name, *words):
        """The words of a command that runs on a host."""
        return ["nsenter", f"--target={self.pid[name]}", "--pid", "--mount", "--uts", "--net", "--ipc", "--", *map(str, words)]

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
