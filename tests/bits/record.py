"""The record of a run (losses, metrics, tensors), and the key of the machine that the record is valid for."""
import hashlib
import json
import pathlib
import platform
import re
import struct
import subprocess

# Times, and the number of batches that the loader has ready.
_VARIES = re.compile(r"seconds|per_second$|^batches_ready$")
_V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def tensors(path):
    """{name: hash of type, shape and bytes} of a safetensors file."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8:8 + size]), content[8 + size:]
    header.pop("__metadata__", None)
    hashes = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        kind = f"{tensor['dtype']} {tensor['shape']} ".encode()
        hashes[name] = hashlib.sha256(kind + data[begin:end]).hexdigest()[:16]
    return hashes


def of_run(folder):
    """The record of a finished run: every step's loss, the last step's metrics, a hash of each tensor."""
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    steps = [line for line in lines if line["kind"] == "train"]
    checkpoint = folder / "checkpoints" / (folder / "checkpoints/latest").read_text().strip()
    return {
        "losses": [step["loss"] for step in steps],
        "metrics": {name: value for name, value in sorted(steps[-1].items()) if not _VARIES.search(name)},
        "tensors": {f"{path.stem}/{name}": value for path in sorted(checkpoint.glob("*.safetensors"))
                    for name, value in sorted(tensors(path).items())},
    }


def differences(expected, got):
    """Sentences that name the first differences of two records; none if they are equal."""
    found = []
    for step, (was, now) in enumerate(zip(expected["losses"], got["losses"]), start=1):
        if was != now:
            found.append(f"the loss first differs at step {step}: was {was!r}, is {now!r}")
            break
    if len(expected["losses"]) != len(got["losses"]):
        found.append(f"had {len(expected['losses'])} steps, has {len(got['losses'])}")
    for name in sorted(expected["metrics"].keys() | got["metrics"].keys()):
        was, now = expected["metrics"].get(name), got["metrics"].get(name)
        if was != now:
            found.append(f"the first metric of the last step that differs is {name}: was {was!r}, is {now!r}")
            break
    was, now = expected["tensors"], got["tensors"]
    gone, new = sorted(was.keys() - now.keys()), sorted(now.keys() - was.keys())
    changed = [name for name in was if name in now and was[name] != now[name]]
    if changed:
        found.append(f"{len(changed)} of {len(was)} tensors differ, first {changed[0]}")
    if gone or new:
        same = sorted(was[name] for name in gone) == sorted(now[name] for name in new)
        found.append(f"{'the same bits have other names' if same else 'other tensors are saved'}: "
                     f"{', '.join(gone[:3]) or 'none'} became {', '.join(new[:3]) or 'none'}")
    return found


def _vectors():
    """The instruction set that common/simd.h compiles for and the loader picks on this processor."""
    machine = platform.machine()
    if machine != "x86_64":
        return machine
    flags = set(re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[1].split())
    return "x86-64-v4" if _V4 <= flags else "x86-64-v3" if _V3 <= flags else "x86-64"


def _caches():
    """Sizes of the first core's own data caches: oneDNN's block sizes depend on them."""
    folders = sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    read = lambda folder, name: (folder / name).read_text().strip()
    own = [f for f in folders if read(f, "type") != "Instruction" and int(read(f, "level")) < 3]
    return "+".join(read(folder, "size") for folder in own) or "unknown"


def key(program):
    """One line with all that bits depend on besides sources, data and the pinned environment."""
    cache = program.parent / "CMakeCache.txt"
    if not cache.exists():
        return f"a program of unknown build, since {cache} is not there"
    settings = dict(re.findall(r"^(\w+):\w+=(.*)$", cache.read_text(), re.M))
    asked = [settings["CMAKE_CXX_COMPILER"], "--version"]
    compiler = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    header = (pathlib.Path(settings["LODESTONE_LIBTORCH"]) / "include/torch/headeronly/version.h").read_text()
    torch = ".".join(re.findall(r"define TORCH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))
    return (f"LibTorch {torch}, {compiler}, {settings['CMAKE_BUILD_TYPE']}, glibc {platform.libc_ver()[1]}, "
            f"{_vectors()}, caches {_caches()}")
