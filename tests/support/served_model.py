"""Small trained models with a gallery, and the service over one of them."""
import subprocess

import pictures

TOKEN = "open sesame"


def call(program, work, *words):
    done = subprocess.run([program, *words], cwd=work, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"lodestone {' '.join(words)}: exit code {done.returncode}\n{done.stderr}"


def of_pictures(program, work):
    """Images of eight classes in work/pictures, a model that was trained on them in work/run, a threshold,
    work/gallery.safetensors."""
    pictures.make_classes(work / "pictures")
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 16\ndata:\n  root: {work}\n  train: {{path: pictures}}\n  "
                                   f"image: {{width: 16, height: 16}}\n"
        "sampler: {samples_per_class: 4}\nencoder: {name: conv4, channels: [8, 8, 8], embedding: 8}\n"
        "schedule: {steps: 30, warmup_steps: 2}\nevaluate: {data: {path: pictures}, floor: false}\n")
    call(program, work, "train", "run.yaml")
    call(program, work, "evaluate", "run", "--calibrate", "0.05")
    call(program, work, "embed", "run", "--input", "pictures", "--output", "gallery.safetensors",
         "--thumbnails", "32")


def of_texts(program, work):
    """The same of texts of eight topics, without a threshold."""
    rows = [(f"please word{topic} and number {n}", f"topic{topic}") for topic in range(8) for n in range(6)]
    (work / "train.tsv").write_text("".join(f"{text}\t{topic}\n" for text, topic in rows))
    (work / "all.txt").write_text("".join(f"{text}\n" for text, _ in rows))
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 24\ndata:\n  root: {work}\n  kind: texts\n  train: {{path: "
                                   f"train.tsv}}\n"
        "  text: {format: labels, tokenizer: {path: vocab.txt, max_tokens: 16}}\n"
        "encoder: {name: bag_of_tokens}\nschedule: {steps: 20, warmup_steps: 2}\nloss: {name: supcon}\n"
                                   "miner: {name: all}\n")
    call(program, work, "tokenizer", "train", "--input", "all.txt", "--vocabulary", "120", "--output",
         "vocab.txt")
    call(program, work, "train", "run.yaml")
    call(program, work, "embed", "run", "--input", "all.txt", "--output", "gallery.safetensors")


class Service:
    """`lodestone serve` of work/run with a gallery, which asks for TOKEN unless token=False; ends with the
    `with` block, and must end well."""

    def __init__(self, program, work, *options, gallery="gallery.safetensors", token=True):
        (work / "token").write_text(TOKEN + "\n")
        words = [program, "serve", "run", "--gallery", gallery, "--port", "0",
                 *(["--token-file", "token"] if token else []), *options]
        self.process = subprocess.Popen(words, cwd=work, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().removeprefix("serving at ").strip()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        assert kind or code == 0, f"the service ended with {code}"
