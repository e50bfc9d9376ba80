#!/usr/bin/env python3
"""`lodestone serve` under 32 clients beside the batch throughput of `lodestone embed`, on the same pictures and threads.

For each encoder: a model after one step; `embed` over few and over many pictures, whose difference in time is the batch throughput
without the start; then wrk with 32 connections, each asking /embed for one picture at a time, as JSON and as bytes both ways. wrk takes processor time of the same
cores, so that beside the share of the throughput stands the share by the processor time that a picture costs here and there.
docs/speed.md has the figures.
"""
import argparse
import base64
import dataclasses
import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import time

CLIENTS = 32
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Case:
    title: str
    side: int  # pixels
    encoder: str
    few: int  # pictures
    many: int


CASES = {
    "resnet18": Case("ResNet-18, 64 × 64", 64, "{name: resnet18, head: {kind: linear, embedding: 128}}", 96, 1120),
    "resnet18-112": Case("ResNet-18, 112 × 112", 112, "{name: resnet18, head: {kind: linear, embedding: 128}}", 64, 448),
    "conv4": Case("conv4, 28 × 28", 28, "{name: conv4, embedding: 64}", 512, 16896),
}


@dataclasses.dataclass
class Work:
    """Pictures that were embedded, and what they took."""
    pictures: float
    seconds: float
    processor: float  # seconds of the program's own threads, all together

    def __sub__(self, other):
        return Work(self.pictures - other.pictures, self.seconds - other.seconds, self.processor - other.processor)

    def rate(self):
        return self.pictures / self.seconds

    def cost(self):
        return self.processor / self.pictures


def write_pictures(folder, count, side):
    draw = random.Random(1)
    for c in range(8):
        (folder / f"class{c}").mkdir(parents=True)
    for i in range(count):
        (folder / f"class{i % 8}" / f"{i}.pgm").write_bytes(b"P5 %d %d 255\n" % (side, side) + draw.randbytes(side * side))


def finish(process):
    """Processor seconds of a process that ends well."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{process.args}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def embed(program, work, count):
    words = [program, "embed", "run", "--input", f"pictures{count}", "--output", "embeddings.npy"]
    start = time.monotonic()
    processor = finish(subprocess.Popen(words, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    return Work(count, time.monotonic() - start, processor)


def in_batches(program, work, case, rounds):
    """The median round of `embed`, without its start."""
    embed(program, work, case.few)
    found = [embed(program, work, case.many) - embed(program, work, case.few) for _ in range(rounds)]
    return sorted(found, key=Work.rate)[rounds // 2]


def processor_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(work, address, seconds):
    """What wrk says of so many seconds, and the processor time that it took itself."""
    words = ["wrk", "-t1", f"-c{CLIENTS}", "--latency", "-s", "ask.lua", f"-d{seconds}s", address + "/embed"]
    asking = subprocess.Popen(words, cwd=work, stdout=subprocess.PIPE, text=True)
    said = asking.stdout.read()
    own = finish(asking)
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    return said, own


def write_request(work, picture, form):
    """What wrk asks: with JSON, or with the picture's bytes for the embedding's."""
    text = json.dumps({"images": [base64.b64encode(picture).decode()]}).encode() if form == "JSON" else picture
    kind = "application/json" if form == "JSON" else "application/octet-stream"
    body = "".join(f"\\{byte:03d}" for byte in text)
    (work / "ask.lua").write_text(f"wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = '{kind}'\n"
                                  f"wrk.headers['Accept'] = '{kind}'\n")


def served(program, work, case, seconds, form):
    write_request(work, next((work / f"pictures{case.few}/class0").iterdir()).read_bytes(), form)
    service = subprocess.Popen([program, "serve", "run", "--port", "0"], cwd=work, stdout=subprocess.PIPE, text=True)
    try:
        address = service.stdout.readline().removeprefix("serving at ").strip()
        ask(work, address, 2)
        start = time.monotonic(), processor_of(service.pid)
        said, own = ask(work, address, seconds)
        took = time.monotonic() - start[0], processor_of(service.pid) - start[1]
    finally:
        service.terminate()
        service.wait(30)
    answers = int(re.search(r"(\d+) requests in", said).group(1))
    latency = {q: re.search(rf"^\s+{q}%\s+(\S+)", said, re.MULTILINE).group(1) for q in (50, 99)}
    return Work(answers, *took), latency, own / took[0] / os.cpu_count()


def measure(program, case, given):
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for count in (case.few, case.many):
            write_pictures(work / f"pictures{count}", count, case.side)
        (work / "run.yaml").write_text(
            f"run_dir: {work}/run\nglobal_batch: 16\ndata:\n  root: {work}\n  train: {{path: pictures{case.few}}}\n"
            f"  image: {{width: {case.side}, height: {case.side}}}\nsampler: {{samples_per_class: 4}}\nencoder: {case.encoder}\n"
            "schedule: {steps: 1, warmup_steps: 0}\n")
        trained = subprocess.run([program, "train", "run.yaml"], cwd=work, capture_output=True, text=True)
        if trained.returncode:
            raise SystemExit(trained.stderr)
        batches = in_batches(program, work, case, given.rounds)
        for form in ("JSON", "bytes"):
            report(case, form, batches, *served(program, work, case, given.seconds, form))


def report(case, form, batches, live, latency, asking):
    print(f"| {case.title}, {form} | {batches.rate():.0f} | {live.rate():.0f} | {live.rate() / batches.rate():.0%} | "
          f"{1e3 * batches.cost():.2f} | {1e3 * live.cost():.2f} | {batches.cost() / live.cost():.0%} | "
          f"{latency[50]} | {latency[99]} | {asking:.0%} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path("build/lodestone"))
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3, help="of `embed` (default 3)")
    parser.add_argument("--seconds", type=int, default=15, help="of load (default 15)")
    given = parser.parse_args()
    print("| encoder | in batches, pictures/s | served, pictures/s | share | in batches, ms of processor a picture | served, ms | share "
          "| median latency | p99 | wrk's part of the cores |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in given.only:
        measure(given.program.resolve(), CASES[name], given)


if __name__ == "__main__":
    main()
