#!/usr/bin/env python3
"""Faults on real jobs, many of them: what docs/reliability.md says of lost, stopped and told-to-end ranks.

usage: campaign.py kill|stop|term|soak|healthy [--trials N] [--ranks N] [--min-ranks N] [--minutes M]
                   [--program build/lodestone] [--beside N] [--bare] [--json FILE]

kill     SIGKILL for a random rank of one supervised job, again and again: seconds until the first new step
stop     SIGSTOP for a random rank of a fresh job: is it named within ten seconds, does the job end with 4
term     SIGTERM for the supervisor of a fresh job: does it end with 75 and leave one checkpoint, of
         the last step. With --bare SIGTERM goes to an mpirun without a supervisor, which has a code of its
         own. stop and term do several jobs at a time with --beside
soak     kills, stops and terminations by chance, four of five while it trains and the others while it
         starts, until the run is done: are its weights those of a run without faults. With --min-ranks, in
         determinism: canonical, and each start behind a termination is on another number of ranks
healthy  ten thousand steps, a rank pausing now and then for two steps: is anybody accused

Makes its own data; needs mpirun. Bounded by --minutes. Exits 1 if anything went otherwise than promised.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_btl_vader_single_copy_mechanism="none", OMPI_MCA_mpi_yield_when_idle="1")

# As docs/operations.md has it for those who do without the supervisor, but for the time, all of which mpirun
# waits twice.
BARE = ("mpirun", "--bind-to", "none", "--mca", "odls_base_sigkill_timeout", "10")

# What a scheduler would start again: stopped with a checkpoint, a peer lost, or ended by the signal itself
# before training began.
AGAIN = (75, 4, 128 + signal.SIGKILL, 128 + signal.SIGUSR1, -signal.SIGTERM)


class Job:
    """A supervised training run in a folder of its own."""

    def __init__(self, program, ranks, folder=None, restarts=0, settings=(), min_ranks=None, bare=False):
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="lodestone-faults-"))
        self.run, self.config, self.log = self.folder / "run", self.folder / "run.yaml", self.folder / "log"
        if folder is None:
            self.make_data()
        command = [program, "launch", "-n", str(ranks), "--max-restarts", str(restarts)]
        command += ["--min-ranks", str(min(min_ranks, ranks))] if min_ranks else []
        command += ["--", "train", str(self.config)]
        if bare:
            command = [*BARE, "-n", str(ranks), program, "train", str(self.config)]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"),
                                        env=ENVIRONMENT)

    def make_data(self):
        numbers = random.Random(1)
        for label in range(8):
            folder = self.folder / "pictures" / f"class{label}"
            folder.mkdir(parents=True)
            shape = [numbers.randrange(180) for _ in range(256)]
            for sample in range(6):
                pixels = bytes(value + numbers.randrange(70) for value in shape)
                (folder / f"{sample}.pgm").write_bytes(b"P5 16 16 255\n" + pixels)
        self.config.write_text(f"""run_dir: {self.run}
global_batch: 16
data: {{root: {self.folder}, train: {{path: pictures}}, image: {{width: 16, height: 16}}}}
sampler: {{samples_per_class: 4}}
encoder: {{name: conv4, channels: [8, 8, 8], embedding: 8}}
batch_norm: sync
schedule: {{steps: 1000000, warmup_steps: 2}}
checkpoint: {{every_steps: 20}}
""")

    def lines(self):
        try:
            text = (self.run / "metrics.jsonl").read_text()
        except FileNotFoundError:
            return []
        found = []
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                pass
        return found

    def steps(self):
        return [line["step"] for line in self.lines() if line["kind"] == "train"]

    def last_step(self):
        """The newest step that the end of the metrics tells of, or 0; cheap, so that asking often doesn't
        slow the ranks."""
        try:
            with open(self.run / "metrics.jsonl", "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 14)))
                found = re.findall(rb'"kind":"train".*?"step":(\d+)', file.read())
        except FileNotFoundError:
            return 0
        return int(found[-1]) if found else 0

    def restarts(self):
        return [i for i, line in enumerate(self.lines()) if line.get("event") == "restart"]

    def ranks(self):
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                arguments, variables = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            rank = re.search(rb"\0OMPI_COMM_WORLD_RANK=(\d+)", variables)
            if rank and str(self.config).encode() in arguments:
                found[int(rank.group(1))] = int(entry.name)
        return found

    def log_text(self):
        return self.log.read_text(errors="replace")

    def end(self, seconds):
        """Its exit code; None, and a kill, if it takes longer."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            for pid in self.ranks().values():
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
            return None


def until(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def percentiles(values):
    ordered = sorted(values)
    return {"median": round(statistics.median(ordered), 2),
            "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
            "max": round(ordered[-1], 2)} if ordered else {}


def kill(options, chance):
    job = Job(options.program, options.ranks, restarts=options.trials + 1)
    seconds, ended = [], False
    get_going(job, 30)
    while len(seconds) < options.trials and not options.over():
        ranks = job.ranks()
        if len(ranks) < options.ranks:
            continue
        before, last, rank = len(job.restarts()), job.last_step(), chance.randrange(options.ranks)
        begin = time.monotonic()
        os.kill(ranks[rank], signal.SIGKILL)

        def goes_on():
            marks = job.restarts()
            return len(marks) > before and any(line["kind"] == "train" for line in job.lines()[marks[-1]:])
        if not until(180, goes_on):
            ended = True
            print(job.log_text()[-4000:], file=sys.stderr)
            break
        seconds.append(time.monotonic() - begin)
        goal = last + chance.randrange(60)
        until(60, lambda: job.last_step() > goal)
    job.process.terminate()
    code = job.end(30)
    return {"kills": len(seconds) + ended, "recovered": len(seconds),
            "seconds_to_first_new_step": percentiles(seconds),
            "code_after_term": code, "right": not ended and code == 75}


def side_by_side(options, trial):
    """`trial(chance, job)` for each job, options.beside of them at a time: its (fine, seconds), and what to
    say if it isn't."""
    def one(number):
        if options.over():
            return None
        job = Job(options.program, options.ranks, settings=["checkpoint.every_steps=0"], bare=options.bare)
        fine, seconds, told = trial(random.Random(f"{options.seed}/{number}"), job)
        if fine:
            shutil.rmtree(job.folder)
        else:
            print(f"trial {number}, {job.folder}: {told}\n{job.log_text()}", file=sys.stderr)
        return fine, seconds
    with concurrent.futures.ThreadPoolExecutor(options.beside) as pool:
        done = [result for result in pool.map(one, range(options.trials)) if result]
    good = sum(fine for fine, _ in done)
    return {"trials": len(done), "as_promised": good, "beside": options.beside,
            "seconds": percentiles([s for _, s in done]),
            "right": good == len(done)}


def get_going(job, steps):
    if not until(180, lambda: job.last_step() > steps):
        sys.exit(f"the job does not get going: {job.log_text()}")


def stop(options, _):
    def trial(chance, job):
        get_going(job, 10)
        victim = chance.randrange(options.ranks)
        begin = time.monotonic()
        os.kill(job.ranks()[victim], signal.SIGSTOP)
        until(60, lambda: "is lost" in job.log_text())
        seconds = time.monotonic() - begin
        code = job.end(60)
        accused = [int(rank) for rank in re.findall(r"rank (\d+) is lost", job.log_text())][:1]
        fine = accused == [victim] and code == 4 and seconds <= 10
        return fine, seconds, f"stopped {victim}, accused {accused} after {seconds} s, code {code}"
    return side_by_side(options, trial)


def term(options, _):
    def trial(chance, job):
        get_going(job, chance.randrange(1, 60))
        begin = time.monotonic()
        job.process.terminate()
        code = job.end(90)
        seconds = time.monotonic() - begin
        left = sorted(path.name for path in (job.run / "checkpoints").glob("*"))
        inspected = subprocess.run([options.program, "inspect", str(job.run)], capture_output=True).returncode
        steps = [name for name in left if name.startswith("step-")]
        fine = (code == 75 or options.bare
                and code is not None) and inspected == 0 and len(steps) == 1 and int(
                    steps[0][5:]) == job.steps()[-1]
        return fine, seconds, f"code {code}, {left}, last step {job.steps()[-1:]}"
    return side_by_side(options, trial)


def weights(job, step):
    return hashlib.sha256((job.run / "checkpoints" / f"step-{step:08d}"
                           / "model.safetensors").read_bytes()).hexdigest()


def strike(job, chance):
    """A fault for the job, or for one of its ranks: which; None if there was no rank to meet."""
    fault = chance.choices(["kill", "stop", "term"], [6, 1, 2])[0]
    if fault == "term":
        job.process.terminate()
        until(60, lambda: job.process.poll() is not None)  # a second one would kill it
        return fault
    try:
        os.kill(chance.choice(list(job.ranks().values())), signal.SIGKILL if fault == "kill"
                else signal.SIGSTOP)
    except (IndexError, ProcessLookupError):
        return None
    return fault


def soak(options, chance):
    length, worlds = options.steps, []
    settings = [f"schedule.steps={length}"]
    settings += ["determinism=canonical", "batch_norm=local"] if options.min_ranks else []

    def start(folder=None):
        worlds.append(chance.randint(options.min_ranks, options.ranks) if options.min_ranks
                      else options.ranks)
        return Job(options.program, worlds[-1], folder=folder, restarts=100000, settings=settings,
                   min_ranks=options.min_ranks)

    def ended():
        return job.process.poll() is not None

    calm = Job(options.program, options.ranks, settings=settings)
    calm_code = calm.end(60 * options.minutes)
    job, counts, in_training = start(), {}, 0
    while sum(counts.values()) < options.trials and not options.over():
        reached = job.last_step()
        if chance.random() < 0.8:
            # one step may still be told of by who outlived the last fault
            until(60, lambda: ended() or job.last_step() > reached + 1)
        until(chance.uniform(0, 1), ended)
        trains = job.last_step() > reached + 1
        if job.process.poll() in AGAIN:
            job = start(job.folder)
        elif ended():
            break
        elif fault := strike(job, chance):
            counts[fault] = counts.get(fault, 0) + 1
            in_training += trains
    # What is left is done in peace.
    while (code := job.end(900)) in AGAIN:
        job = start(job.folder)
    same = calm_code == code == 0 and weights(calm, length) == weights(job, length)
    if not same:
        print(job.log_text()[-4000:], file=sys.stderr)
    return {"steps": length, "faults": sum(counts.values()), "in_training": in_training, "by_kind": counts,
            "starts": len(worlds),
            "worlds": sorted(set(worlds)), "code": code, "same_weights": same, "right": same}


def healthy(options, chance):
    job = Job(options.program, options.ranks,
              settings=[f"schedule.steps={options.steps}", "checkpoint.every_steps=1000"])
    get_going(job, 20)
    begin, first, pauses = time.monotonic(), job.last_step(), 0
    while job.process.poll() is None and not options.over():
        time.sleep(chance.uniform(0.1, 0.5))
        rank = chance.choice(list(job.ranks().values()) or [0])
        if rank == 0:
            continue
        usual = (time.monotonic() - begin) / max(1, job.last_step() - first)
        try:
            os.kill(rank, signal.SIGSTOP)
            time.sleep(2 * usual)
            os.kill(rank, signal.SIGCONT)
        except ProcessLookupError:
            break
        pauses += 1
    code = job.end(60)
    accusations = len(re.findall(r"is lost|lags|gave up", job.log_text()))
    return {"steps": len(job.steps()), "slow_steps": pauses, "accusations": accusations, "code": code,
            "right": code == 0 and accusations == 0}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    campaigns = {"kill": kill, "stop": stop, "term": term, "soak": soak, "healthy": healthy}
    parser.add_argument("campaign", choices=campaigns)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--min-ranks", type=int, help="of soak: the fewest ranks that a start may have")
    parser.add_argument("--steps", type=int, default=10000, help="of soak and healthy")
    parser.add_argument("--beside", type=int, default=1, help="of stop and term: jobs at a time")
    parser.add_argument("--bare", action="store_true", help="of term: mpirun alone")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default="build/lodestone")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.bare and options.campaign != "term":
        parser.error("--bare is of term alone: the other campaigns are about the supervisor")
    options.program = str(pathlib.Path(options.program).resolve())
    deadline = time.monotonic() + 60 * options.minutes
    options.over = lambda: time.monotonic() > deadline
    result = {"campaign": options.campaign, "ranks": options.ranks,
              **campaigns[options.campaign](options, random.Random(options.seed))}
    print(json.dumps(result))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result) + "\n")
    return 0 if result["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
