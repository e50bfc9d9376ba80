"""What the tests of deploy/ share: a world of their own that ends with them, and leaving when something is
missing."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "bench/faults"), str(ROOT / "tests/support")]
# Root may start mpirun; ranks that wait give the processor to others, since here they are more than
# processors.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}
# What the tests do to namespaces of their own.
PROBE = """mount -t tmpfs none /run
mount --bind /etc/hostname /etc/hosts
ip link add bridge0 type bridge
ip link add veth0 type veth peer name veth1
unshare --pid --fork --mount --mount-proc --uts --net --ipc \\
  sh -ec 'hostname probe; mount -t tmpfs none /dev/shm'"""


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def need(*programs):
    """Leaves unless all programs are there. Daemons lie in folders that not every PATH names."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        skip("missing " + ", ".join(missing))
    if os.geteuid() != 0:
        skip("only root may start daemons and namespaces")


def enclose():
    """Goes on in a process namespace of this program's own: when it ends, however it does, the kernel ends
    whatever it has started. Network and mounts are its own too, with an empty /run, so that this machine's
    daemons are out of reach."""
    if os.environ.pop("LODESTONE_ENCLOSED", ""):
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        os.environ.update(ENVIRONMENT)
        return
    walls = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net"]
    probe = subprocess.run([*walls, "sh", "-ec", PROBE], capture_output=True, text=True)
    if probe.returncode:
        skip("namespaces and networks of its own can't be had here (a container without SYS_ADMIN and "
             "NET_ADMIN?): " + probe.stderr)
    # The shell is process 1 and buries orphans.
    os.environ["LODESTONE_ENCLOSED"] = "yes"
    os.execvp("unshare", [*walls, "sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-B", *sys.argv])


def folder():
    """A temporary folder that is gone with the enclosure, even if this program is killed. What a process that
    outlived a failure still writes there is no error of its own, which would hide the failure."""
    return tempfile.TemporaryDirectory(dir="/run", ignore_cleanup_errors=True)
