#!/usr/bin/env python3
"""`lodestone serve` beside the batch throughput of `lodestone embed`, on the same pictures and threads.

For each encoder: a model after one step. Each round measures `embed` over few and over many pictures, whose
difference in time is the batch throughput without the start, and then wrk with each form of request: 32
connections that ask /embed for one picture at a time, as JSON and as bytes both ways, and 4 that ask for 64
pictures in a form. So other work on the machine meets both sides. The figures are medians over the rounds,
and the shares medians of the rounds' shares. wrk takes processor time of the same cores, so that beside the
share of the throughput stands the share by the processor time that a picture costs here and there.
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
import statistics
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Case:
    title: str
    side: int  # pixels
    encoder: str
    few: int  # pictures
    many: int


CASES = {
    "resnet18": Case("ResNet-18, 64 × 64", 64, "{name: resnet18, head: {kind: linear, embedding: 128}}", 96,
                     1120),
    "resnet18-112": Case("ResNet-18, 112 × 112", 112, "{name: resnet18, head: {kind: linear, embedding: "
                         "128}}", 64, 448),
    "conv4": Case("conv4, 28 × 28", 28, "{name: conv4, embedding: 64}", 512, 16896),
}


@dataclasses.dataclass
class Form:
    title: str
    clients: int
    pictures: int  # of a request
    content: str
    accept: str


BYTES = "application/octet-stream"
FORMS = [Form("JSON", 32, 1, "application/json", "application/json"), Form("bytes", 32, 1, BYTES, BYTES),
         Form("forms of 64", 4, 64, "multipart/form-data; boundary=----x", BYTES)]


@dataclasses.dataclass
class Work:
    """Pictures that were embedded, and what they took."""
    pictures: float
    seconds: float
    processor: float  # seconds of the program's own threads, all together

    def __sub__(self, other):
        return Work(self.pictures - other.pictures, self.seconds - other.seconds,
                    self.processor - other.processor)

    def rate(self):
        return self.pictures / self.seconds

    def cost(self):
        return self.processor / self.pictures


def write_pictures(folder, count, side):
    draw = random.Random(1)
    for c in range(8):
        (folder / f"class{c}").mkdir(parents=True)
    for i in range(count):
        (folder / f"class{i % 8}" / f"{i}.pgm").write_bytes(b"P5 %d %d 255\n" % (side, side)
                                                            + draw.randbytes(side * side))


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
    processor = finish(subprocess.Popen(words, cwd=work, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL))
    return Work(count, time.monotonic() - start, processor)


def in_batches(program, work, case):
    """`embed` without its start."""
    return embed(program, work, case.many) - embed(program, work, case.few)


def processor_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(work, address, form, seconds):
    """What wrk says of so many seconds, and the processor time that it took itself."""
    words = ["wrk", "-t1", f"-c{form.clients}", "--latency", "-s", script_of(work, form), f"-d{seconds}s",
             address + "/embed"]
    asking = subprocess.Popen(words, cwd=work, stdout=subprocess.PIPE, text=True)
    said = asking.stdout.read()
    own = finish(asking)
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    return said, own


def script_of(work, form):
    return work / f"ask{FORMS.index(form)}.lua"


def body_of(form, picture):
    if form.content == "application/json":
        return json.dumps({"images": [base64.b64encode(picture).decode()]}).encode()
    if form.content == BYTES:
        return picture
    part = (b'------x\r\nContent-Disposition: form-data; name="image"; filename="a.pgm"\r\n\r\n' + picture
            + b"\r\n")
    return part * form.pictures + b"------x--\r\n"


def write_request(work, picture, form):
    """What wrk asks."""
    body = "".join(f"\\{byte:03d}" for byte in body_of(form, picture))
    script_of(work, form).write_text(f"wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] "
                                     f"= '{form.content}'\n"
                                     f"wrk.headers['Accept'] = '{form.accept}'\n")


@dataclasses.dataclass
class Served(Work):
    median: str  # latency
    p99: str
    asking: float  # wrk's part of the cores


def served(service, address, work, form, seconds):
    start = time.monotonic(), processor_of(service.pid)
    said, own = ask(work, address, form, seconds)
    took = time.monotonic() - start[0], processor_of(service.pid) - start[1]
    answers = int(re.search(r"(\d+) requests in", said).group(1))
    latency = {q: re.search(rf"^\s+{q}%\s+(\S+)", said, re.MULTILINE).group(1) for q in (50, 99)}
    return Served(answers * form.pictures, *took, latency[50], latency[99], own / took[0] / os.cpu_count())


def prepare(program, work, case):
    for count in (case.few, case.many):
        write_pictures(work / f"pictures{count}", count, case.side)
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 16\ndata:\n  root: {work}\n  train: {{path: "
                                   f"pictures{case.few}}}\n"
        f"  image: {{width: {case.side}, height: {case.side}}}\nsampler: {{samples_per_class: 4}}\nencoder: "
                                   f"{case.encoder}\n"
        "schedule: {steps: 1, warmup_steps: 0}\n")
    trained = subprocess.run([program, "train", "run.yaml"], cwd=work, capture_output=True, text=True)
    if trained.returncode:
        raise SystemExit(trained.stderr)
    for form in FORMS:
        write_request(work, next((work / f"pictures{case.few}/class0").iterdir()).read_bytes(), form)


def measure(program, case, given):
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        prepare(program, work, case)
        embed(program, work, case.few)
        service = subprocess.Popen([program, "serve", "run", "--port", "0"], cwd=work, stdout=subprocess.PIPE,
                                   text=True)
        try:
            address = service.stdout.readline().removeprefix("serving at ").strip()
            for form in FORMS:
                ask(work, address, form, 1)
            rounds = [(in_batches(program, work, case),
                       *(served(service, address, work, form, given.seconds) for form in FORMS))
                      for _ in range(given.rounds)]
        finally:
            service.terminate()
            service.wait(30)
    for i, form in enumerate(FORMS, 1):
        report(case, form, [(found[0], found[i]) for found in rounds])


def report(case, form, rounds):
    def middle(figure):
        return statistics.median(figure(batches, live) for batches, live in rounds)

    usual = sorted((live for _, live in rounds), key=Work.rate)[len(rounds) // 2]
    print(f"| {case.title}, {form.title} | {middle(lambda b, _: b.rate()):.0f} | "
          f"{middle(lambda _, s: s.rate()):.0f} | "
          f"{middle(lambda b, s: s.rate() / b.rate()):.0%} | {middle(lambda b, _: 1e3 * b.cost()):.3f} | "
          f"{middle(lambda _, s: 1e3 * s.cost()):.3f} | {middle(lambda b, s: b.cost() / s.cost()):.0%} | "
          f"{usual.median} | {usual.p99} | {usual.asking:.0%} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path("build/lodestone"))
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3, help="of `embed` and of each form (default 3)")
    parser.add_argument("--seconds", type=int, default=15, help="of load of each form (default 15)")
    given = parser.parse_args()
    print("| encoder | in batches, pictures/s | served, pictures/s | share | in batches, ms of processor a "
          "picture | served, ms | share "
          "| median latency | p99 | wrk's part of the cores |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
          "---:|")
    for name in given.only:
        measure(given.program.resolve(), CASES[name], given)


if __name__ == "__main__":
    main()
