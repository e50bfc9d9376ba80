#!/usr/bin/env python3
"""deploy/Dockerfile where there is no container engine: image_test.py PROGRAM

hadolint reads it; its last stage is carried out in a root of debootstrap's, with this build in place of the
build stage's (whose `./dev build` is how the program came to be), and then used as a pod would: another user,
a root that is read-only but for what pods mount, ssh by key on port 2222. Without root or debootstrap only
the Dockerfile is looked at.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from dockerfile import stages

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
DOCKERFILE = ROOT / "deploy/Dockerfile"
RUN = """run_dir: /work/run
global_batch: 8
data: {train: {path: /work/pictures}, image: {width: 4, height: 4}}
sampler: {name: pk, samples_per_class: 2}
encoder: {name: conv4, channels: [8], embedding: 4}
schedule: {steps: 4, warmup_steps: 0}
"""


def distribution() -> tuple[str, str]:
    """(suite, mirror) of the system that the program was built on."""
    about = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                 if "=" in line)
    mirrors = {"debian": "http://deb.debian.org/debian", "ubuntu": "http://archive.ubuntu.com/ubuntu"}
    return about["VERSION_CODENAME"].strip('"'), mirrors[about["ID"].strip('"')]


class Container:
    """The last stage's file system; `run` is in mount, process and host-name namespaces of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.root = folder
        suite, mirror = distribution()
        subprocess.run(["debootstrap", "--variant=minbase",
                        *(["--components=main,universe"] if "ubuntu" in mirror else []), suite,
                        str(folder), mirror], check=True, stdout=subprocess.DEVNULL, timeout=400)
        for name in ("resolv.conf", "hosts", "apt/sources.list", "apt/apt.conf.d/99proxy"):
            if (pathlib.Path("/etc") / name).is_file():
                shutil.copy(pathlib.Path("/etc") / name, folder / "etc" / name)

    def build(self) -> None:
        stage = stages(DOCKERFILE.read_text())[-1]
        assert stage.all("COPY") == ["--from=build /out /"], stage.all("COPY")
        subprocess.run([ROOT / "deploy/image/collect.sh", PROGRAM, self.root], check=True)
        for command in stage.all("RUN"):
            self.run(command, user="0:0", writable=True, timeout=500)
        self.user = stage.all("USER")[0]

    def run(self, command: str, user: str = "", writable: bool = False, timeout: float = 120) -> str:
        """By default as the image's user, with a read-only root and writable /tmp, /work, /dev/shm."""
        number, group = (user or self.user).split(":")
        locked = "" if writable else "mount -o remount,ro,bind $ROOT;"
        script = (f"set -e; mount --bind $ROOT $ROOT; {locked} mount -t proc proc $ROOT/proc; mount --rbind "
                  f"/dev $ROOT/dev;"
                  f" mount -t tmpfs tmpfs $ROOT/tmp; mount --bind $WORK $ROOT/work 2>/dev/null || true;"
                  f" mount --bind $SSH $ROOT/var/lib/lodestone/.ssh 2>/dev/null || true;"
                  f" exec chroot --userspec={number}:{group} $ROOT env -i HOME=/var/lib/lodestone "
                  f"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                  f" DEBIAN_FRONTEND=noninteractive OMPI_MCA_rmaps_base_oversubscribe=1 OMP_NUM_THREADS=1 sh "
                  f"-ec \"$COMMAND\"")
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--uts", "sh", "-c", script],
                              text=True, capture_output=True,
                              timeout=timeout, env=os.environ | {"ROOT": str(self.root), "COMMAND": command,
                                                                 "WORK": f"{self.root}.work",
                                                                 "SSH": f"{self.root}.ssh"})
        assert (
            done.returncode == 0
        ), f"{command}\nexit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr


def prepare_mounts(root: pathlib.Path) -> None:
    """What a pod mounts: a volume with data at /work, the job's key pair at ~/.ssh."""
    work, ssh = pathlib.Path(f"{root}.work"), pathlib.Path(f"{root}.ssh")
    for number in range(4):
        for instance in range(4):
            row = f"{60 * number + 5 * instance} {60 * number} 0 255\n"
            path = work / "pictures" / str(number) / f"{instance}.pgm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("P2\n4 4\n255\n" + 4 * row)
    (work / "run.yaml").write_text(RUN)
    ssh.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", ssh / "id_rsa"], check=True)
    shutil.copy(ssh / "id_rsa.pub", ssh / "authorized_keys")
    for path in [work, *work.rglob("*"), ssh, *ssh.rglob("*")]:
        os.chown(path, 10001, 10001)


class Lint(unittest.TestCase):
    def test_hadolint_finds_nothing(self) -> None:
        hadolint = shutil.which("hadolint") or pathlib.Path(os.environ.get("DEPLOY_MODULES", ""),
                                                            "bin/hadolint")
        if not os.access(hadolint, os.X_OK) or os.path.isdir(hadolint):
            self.skipTest("there is no hadolint")
        done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_no_user_is_root_and_no_base_is_floating(self) -> None:
        build, last = stages(DOCKERFILE.read_text())
        self.assertEqual(last.all("USER"), ["10001:10001"])
        for stage in (build, last):
            self.assertRegex(stage.base, r"\$\{\w+\}@\$\{\w+_DIGEST\}")


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("debootstrap"), "needs root and debootstrap")
class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.owner = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.owner.name) / "root"
        prepare_mounts(root)
        try:
            cls.container = Container(root)
            cls.container.run("apt-get update", user="0:0", writable=True)
        except (subprocess.SubprocessError, AssertionError) as error:
            raise unittest.SkipTest(f"the distribution's archive is out of reach: {error}") from error
        cls.container.build()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.owner.cleanup()

    def test_knows_its_version_and_user(self) -> None:
        self.assertIn("lodestone 0.", self.container.run("lodestone --version"))
        self.assertIn("uid=10001(lodestone)", self.container.run("id"))

    def test_trains_two_ranks_on_a_read_only_root(self) -> None:
        self.container.run("! touch /usr/written")
        self.container.run("mpirun -n 2 lodestone train /work/run.yaml")
        self.container.run("lodestone inspect /work/run")
        lines = (pathlib.Path(f"{self.container.root}.work") / "run/metrics.jsonl").read_text().splitlines()
        self.assertEqual(sum(json.loads(line)["kind"] == "train" for line in lines), 4)

    def test_workers_take_the_jobs_key_alone(self) -> None:
        self.container.run(
            "/usr/sbin/sshd -De -f /etc/lodestone/sshd_config & sshd=$!; "
            "for i in $(seq 100); do ssh -o BatchMode=yes 127.0.0.1 true && break; done; "
            "ssh -o BatchMode=yes 127.0.0.1 lodestone --version; "
            "! ssh -o BatchMode=yes -o PubkeyAuthentication=no 127.0.0.1 true; "
            "! ssh -o BatchMode=yes root@127.0.0.1 true; kill $sshd")

    def test_launches_over_ssh_and_stops_by_prestop(self) -> None:
        """A worker's sshd, a launcher's train.sh over it, and the worker's preStop: all ranks save one step,
        exit code 75."""
        said = self.container.run(
            "/usr/sbin/sshd -De -f /etc/lodestone/sshd_config & "
            "for i in $(seq 100); do ssh -o BatchMode=yes 127.0.0.1 true && break; done; "
            "echo '127.0.0.1 slots=2' >/tmp/hosts; "
            "train.sh /tmp/hosts /work/run.yaml --set run_dir=/work/long --set schedule.steps=1000000 & "
                                  "launcher=$!; "
            "for i in $(seq 600); do grep -q train /work/long/metrics.jsonl 2>/dev/null && break; sleep 0.1; "
                                  "done; "
            "stop.sh 60; "
            "code=0; wait $launcher || code=$?; echo launcher ended with $code", timeout=180)
        self.assertIn("launcher ended with 75", said)


if __name__ == "__main__":
    unittest.main()
