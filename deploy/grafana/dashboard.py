#!/usr/bin/env python3
"""Writes lodestone.json, the dashboard that Grafana imports. A test sees to it that the two agree.

usage: dashboard.py [FILE]"""
import json
import pathlib
import sys

RUN = 'namespace=~"$namespace", run=~"$run"'
RANK = RUN + ', rank=~"$rank"'
AWAITED = RANK + ', verb!="gradient_sync"'
SAMPLES = f"max by (namespace, run) (rate(lodestone_samples_total{{{RUN}}}[$__rate_interval]))"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Hosts of the run: the node's name where the scrape says it (Kubernetes), else the host of the address.
HOSTS = ('max by (Hostname) (label_replace(label_replace(max by (instance, node) (up{run!="", ' + RANK
         + '}), '
         '"Hostname", "$1", "instance", "(.+):[0-9]+"), "Hostname", "$1", "node", "(.+)"))')


def per_run(metric):
    """A figure of the whole run, which rank 0 alone or every rank alike exports."""
    return f"max by (namespace, run) (lodestone_{metric}{{{RUN}}})"


MAIN_METRICS = ("recall_at_1", "triplet_accuracy", "spearman", "image_to_text_recall_at_1", "eer")


def main_metric():
    """The first of them that the run's data define; the others are NaN, which compares with nothing."""
    return " or ".join(f"({per_run(name)} >= -1)" for name in MAIN_METRICS)


def of_run(record):
    return f"{record}{{{RUN}}}"


def rate(metric, by, inside=RANK):
    return f"sum by (run, {by}) (rate(lodestone_{metric}{{{inside}}}[$__rate_interval]))"


def gpu(metric):
    return f"DCGM_FI_DEV_{metric} and on (Hostname) {HOSTS}"


def panel(title, *targets, unit="short", kind="timeseries", width=8, about="", stack=False, low=None):
    """One panel; `targets` are (expression, legend)."""
    custom = {"fillOpacity": 60 if stack else 5, "stacking": {"mode": "normal" if stack else "none"},
              "showPoints": "never"}
    defaults = {"unit": unit, "custom": custom if kind == "timeseries" else {}}
    if low is not None:
        defaults["min"] = low
    made = {"title": title, "description": about, "type": kind, "datasource": SOURCE, "width": width,
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "targets": [{"refId": chr(ord("A") + i), "expr": expr, "legendFormat": legend,
                         "datasource": SOURCE,
                         "instant": kind != "timeseries"} for i, (expr, legend) in enumerate(targets)]}
    if kind == "timeseries":
        made["options"] = {"legend": {"displayMode": "list", "placement": "bottom"},
                           "tooltip": {"mode": "multi"}}
    elif kind == "stat":
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value",
                           "graphMode": "none"}
    else:
        made["transformations"] = [{"id": "labelsToFields", "options": {}}, {"id": "merge", "options": {}}]
    return made


def stat(title, expression, unit="short", about="", width=3):
    return panel(title, (expression, "{{run}}"), unit=unit, kind="stat", width=width, about=about)


ROWS = {
    "Overview": [
        stat("Goodput", f"avg by (namespace, run) (lodestone_goodput_ratio{{{RUN}}})", "percentunit",
             "Share of the time since the process began that was spent in steps, but for waiting for data."),
        stat("Samples per second", SAMPLES),
        stat("Loss", per_run("loss")),
        stat("Main metric", main_metric(), "percentunit",
             "Of the last evaluation: recall at 1, or what the data define instead (triplets in order, "
             "Spearman, image to text, equal error rate)."),
        stat("Ranks", per_run("world_size")),
        stat("Last step ago", of_run("run:lodestone_seconds_since_step:min"), "s"),
        stat("Last checkpoint ago", of_run("run:lodestone_seconds_since_checkpoint:min"), "s"),
        stat("Starts again", of_run("run:lodestone_restarts:max")),
        panel("Loss", (per_run("loss"), "{{run}}"), about="Of each step, over the global batch."),
        panel("Samples per second", (SAMPLES, "{{run}}"), low=0),
        panel("Alerts", (f'ALERTS{{alertname=~"Lodestone.*", alertstate="firing", {RUN}}}', "{{alertname}}"),
              kind="table",
              about="docs/monitoring.md says what to do about each."),
        panel("Learning rate", (per_run("learning_rate"), "{{run}}")),
        panel("Norm of the gradient", (per_run("gradient_norm"), "{{run}}"),
              (per_run("loss_scale"), "{{run}} loss scale"),
              about="Before clipping; with float16 the factor on the loss too."),
        panel("What runs", (f"lodestone_run_info{{{RUN}}}", "{{run}}"),
              (f"lodestone_build_info{{{RANK}}}", "{{version}}"), kind="table"),
    ],
    "Step time by phase": [
        panel("Mean step by phase", (of_run("run_phase:lodestone_step_duration_seconds:mean5m"), "{{phase}}"),
              unit="s", stack=True,
              low=0, about="Mean over ranks. gather and reduce are communication; encode, loss and backward "
              "may wait for others too."),
        panel("Slowest hundredth by phase",
              (f"histogram_quantile(0.99, {rate('step_duration_seconds_bucket', 'phase, le')})", "{{phase}}"),
              unit="s", low=0),
        panel("Lost to a rank", (f"rank:lodestone_lost_to_rank:ratio_rate5m{{{RANK}}}",
                                 "{{rank}} {{instance}}"), unit="percentunit",
              about="How much longer than it the others wait, of their time. The highest line is the "
              "straggler."),
    ],
    "Communication": [
        panel("Time in collectives", (rate("collective_seconds_total", "rank"), "rank {{rank}}"),
              unit="percentunit", low=0,
              about="Share of the time that a rank's steps start and await collectives; the rank that waits "
              "least is the slowest."),
        panel("Time by verb", (f"avg by (run, verb) "
                               f"(rate(lodestone_collective_seconds_total{{{RANK}}}[$__rate_interval]))",
                               "{{verb}}"),
              unit="percentunit", low=0, stack=True, about="Mean over ranks."),
        panel("Sent bytes", (of_run("run_verb:lodestone_collective_sent_bytes:rate5m"), "{{verb}}"),
              unit="Bps", low=0, stack=True,
              about="Payload, over all ranks."),
        panel("Calls", (rate("collective_calls_total", "verb"), "{{verb}}"), unit="ops", low=0, width=12,
              about="Over all ranks."),
        panel("Bytes per second of waiting",
              (f"{rate('collective_sent_bytes_total', 'verb', AWAITED)} / "
               f"({rate('collective_seconds_total', 'verb', AWAITED)} > 0)", "{{verb}}"),
              unit="Bps", low=0, width=12, about="Late ranks included. Without the gradient's reduction, "
              "which goes on behind the backward pass."),
    ],
    "Contrastive quality": [
        panel("Similarity", (per_run("positive_similarity"), "positives"),
              (per_run("negative_similarity"), "negatives"),
              about="Mean cosine. Both near 1: collapse."),
        panel("Distance", *((per_run(f"{name}_distance"), name.replace("_", " "))
                            for name in ("positive", "negative", "hardest_positive", "hardest_negative")),
              low=0),
        panel("Active", (per_run("active_ratio"), "{{run}}"), unit="percentunit", low=0,
              about="Share of anchors, pairs or triplets with a loss above zero. Near 0: nothing left to "
              "learn from; mine harder."),
        panel("Alignment and uniformity", (per_run("alignment"), "alignment"),
              (per_run("uniformity"), "uniformity")),
        panel("Effective rank", (per_run("effective_rank"), "{{run}}"), low=0,
              about="Effective number of directions that embeddings use; 1 is collapse."),
        panel("Masked pairs", (of_run("run:lodestone_masked_pairs:ratio"), "{{run}}"),
              (per_run("masked_pairs"), "{{run}} pairs"),
              about="Pairs kept from the negatives only because they show the same sample: share of all, and "
              "their number."),
        panel("Temperature and learned numbers", (per_run("temperature"), "temperature"),
              (f"max by (run, name) (lodestone_loss_parameter{{{RUN}}})", "{{name}}")),
        panel("Evaluations", (per_run("recall_at_1"), "recall at 1"), (per_run("map_at_r"), "MAP at R"),
              (per_run("eer"), "equal error rate"),
              (per_run("triplet_accuracy"), "triplets in order"), (per_run("spearman"), "Spearman"),
              (per_run("image_to_text_recall_at_1"), "image to text"),
              (per_run("text_to_image_recall_at_1"), "text to image"),
              unit="percentunit"),
        panel("Age of the memory", (per_run("memory_age_mean"), "mean"),
              (per_run("memory_age_max"), "oldest"), low=0,
              about="Steps since the rows of the memory were encoded."),
    ],
    "Progress": [
        stat("Step", per_run("step"), width=6),
        stat("Steps planned", per_run("steps_planned"), width=6),
        stat("Done", f"max by (namespace, run) (lodestone_step{{{RUN}}} / lodestone_steps_planned{{{RUN}}})",
             "percentunit", width=6),
        stat("Time left", per_run("eta_seconds"), "s", "At the pace of the last hundred steps or so, with "
             "evaluations and saves.", width=6),
        panel("Memory", (f"process_resident_memory_bytes{{{RANK}}}", "rank {{rank}}"), unit="bytes", low=0,
              about="Of each process, in RAM."),
        panel("CPUs", (f"rate(process_cpu_seconds_total{{{RANK}}}[$__rate_interval])", "rank {{rank}}"),
              low=0,
              about="That each process keeps busy."),
        panel("Open files", (f"process_open_fds{{{RANK}}}", "rank {{rank}}"), low=0),
    ],
    "Data": [
        panel("Waiting for data", (rate("data_wait_seconds_total", "rank"), "rank {{rank}}"),
              unit="percentunit", low=0,
              about="Share of the time."),
        panel("Batches ready", (f"min by (run, rank) (lodestone_batches_ready{{{RANK}}})", "rank {{rank}}"),
              low=0,
              about="That lay ready when a step asked. At 0 again and again: more data.loader.workers, or "
              "smaller files."),
        panel("Epoch", (per_run("epoch"), "{{run}}"), low=0),
    ],
    "Checkpoints": [
        panel("Age of the newest", (of_run("run:lodestone_seconds_since_checkpoint:min"), "age"),
              (per_run("checkpoint_interval_seconds"), "meant interval"), unit="s", low=0),
        panel("Time to save", (per_run("checkpoint_duration_seconds"), "save"),
              (f"max by (run) (increase(lodestone_checkpoint_stall_seconds_total{{{RUN}}}[1h]))",
               "training stood still, an hour"), unit="s", low=0),
        panel("Size", (per_run("checkpoint_size_bytes"), "{{run}}"), unit="bytes", low=0),
        panel("Saves", *((per_run(f"checkpoint_{name}_total"),
                          name) for name in ("attempts", "failures", "damaged")), width=24, low=0,
              about="Since the process began: tried, failed; and passed over as damaged when it started or "
              "rolled back."),
    ],
    "Faults": [
        panel("Ranks", (per_run("world_size"), "of the run"), (per_run("ranks_reporting"), "heard of"),
              (f'sum by (run) (up{{run!="", {RUN}}})', "scraped"), low=0),
        panel("Silence and lag", (per_run("rank_silence_seconds"), "silence (s)"),
              (per_run("rank_lag_seconds"), "lag (s)"),
              (per_run("rank_lag_steps"), "lag (steps)"), low=0,
              about="Longest time since a heartbeat; how long the others have waited for a rank; steps "
              "between the first and the last."),
        panel("Rank most behind", (per_run("rank_most_behind"), "{{run}}"), low=0),
        panel("Starts again", (per_run("restarts_total"), "starts again"),
              (per_run("generation"), "generation"), low=0),
        panel("Non-finite steps and collapses", (per_run("non_finite_steps_total"), "non-finite steps"),
              (per_run("collapses_total"), "collapses"), low=0),
        panel("Last step ago", (of_run("run:lodestone_seconds_since_step:min"), "{{run}}"), unit="s", low=0),
    ],
    "GPUs of the run's hosts (DCGM)": [
        panel("Busy", (gpu("GPU_UTIL"), "{{Hostname}} {{gpu}}"), unit="percent", low=0, width=6),
        panel("Memory", (gpu("FB_USED"), "{{Hostname}} {{gpu}}"), unit="decmbytes", low=0, width=6),
        panel("Power", (gpu("POWER_USAGE"), "{{Hostname}} {{gpu}}"), unit="watt", low=0, width=6),
        panel("Temperature", (gpu("GPU_TEMP"), "{{Hostname}} {{gpu}}"), unit="celsius", low=0, width=6),
    ],
}


def variable(name, query, many):
    return {"name": name, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name},
            "definition": query,
            "refresh": 2, "includeAll": True, "allValue": ".*", "multi": many, "sort": 3,
            "current": {"text": "All", "value": "$__all"}}


def variables():
    return [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
            variable("namespace", "label_values(lodestone_steps_total, namespace)", True),
            variable("run", 'label_values(lodestone_steps_total{namespace=~"$namespace"}, run)', True),
            variable("rank", f"label_values(lodestone_steps_total{{{RUN}}}, rank)", True)]


def laid_out():
    """Rows and panels with their places on Grafana's grid, 24 wide."""
    placed, y = [], 0
    for title, panels in ROWS.items():
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        x, y, line = 0, y + 1, 0
        for made in panels:
            height = 4 if made["type"] == "stat" else 8
            width = made.pop("width")
            if x + width > 24:
                x, y, line = 0, y + line, 0
            made["gridPos"] = {"x": x, "y": y, "w": width, "h": height}
            x, line = x + width, max(line, height)
            placed.append(made)
        y += line
    return [{"id": number, **made} for number, made in enumerate(placed, 1)]


def dashboard():
    return {"title": "Lodestone", "uid": "lodestone", "tags": ["lodestone"], "schemaVersion": 39,
            "version": 1, "editable": True,
            "timezone": "browser", "refresh": "30s", "time": {"from": "now-3h", "to": "now"},
            "graphTooltip": 1,
            "templating": {"list": variables()},
            "annotations":
            {"list": [{"name": "Starts again", "datasource": SOURCE, "enable": True, "iconColor": "orange",
                       "expr": f"changes(run:lodestone_restarts:max{{{RUN}}}[2m]) > 0",
                       "titleFormat": "{{run}} started again"}]},
            "panels": laid_out()}


def text():
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent / "lodestone.json"
    pathlib.Path(target).write_text(text())
