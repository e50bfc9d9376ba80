#include "trainer/coordinator/config.h"

#include <algorithm>

#include "common/error.h"
#include "common/idle_keys.h"
#include "common/paths.h"
#include "trainer/http/http_server.h"

namespace lodestone {

void CheckpointConfig::visit(Fields& f) {
  f.field(
      {.name = "every_steps",
       .doc = "steps between checkpoints; 0: none for that. One is saved at the end, on a stop signal, on "
              "SIGUSR2 too",
       .unit = "steps",
       .min = 0.0},
      &every_steps);
  f.field({.name = "every_minutes",
           .doc = "time between checkpoints, beside every_steps; 0: none for that",
           .unit = "minutes",
           .min = 0.0},
          &every_minutes);
  f.choice({.name = "when_busy",
            .doc = "a checkpoint is due while one is being written: the step waits for that, or the new one "
                   "is skipped"},
           &when_busy, {{"wait", WhenBusy::kWait}, {"skip", WhenBusy::kSkip}});
  f.field({.name = "deadline",
           .doc = "longest wait for a checkpoint that is being written; behind it the save counts as failed",
           .unit = "seconds",
           .min = 1.0},
          &deadline);
  retention.visit(f);
}

void MetricsConfig::visit(Fields& f) {
  f.field({.name = "port",
           .doc = "port of the live page and of /metrics for Prometheus, on rank 0; null or 0 serves nothing",
           .min = 0.0,
           .max = 65535.0},
          &port);
  if (!serves())
    without_effect(f,
                   {"address", "per_rank", "user", "password_file", "certificate", "pages", "targets_file"},
                   "without a port; set metrics.port, or leave it out", "port");
  f.field({.name = "address",
           .doc = "IP address to serve at; anyone who reaches it can read, unless a user is set"},
          &address);
  f.field(
      {.name = "per_rank", .doc = "every rank serves /metrics of its own, at port + its number on its host"},
      &per_rank);
  f.field({.name = "user",
           .doc = "name to be given, with the password, by whoever reads; empty: nobody is asked"},
          &user);
  if (serves() && user.empty())
    without_effect(f, {"password_file"}, "without a user; set metrics.user, or leave it out", "user");
  f.field({.name = "password_file",
           .doc = "file whose first line is the password of that user",
           .unit = kPathUnit},
          &password_file);
  f.field({.name = "certificate",
           .doc = "PEM file with private key and certificate chain; set: HTTPS instead of HTTP",
           .unit = kPathUnit},
          &certificate);
  f.choice(
      {.name = "pages",
       .doc = "what is served beside figures: auto, the live page with pictures and configuration where the "
              "address is "
              "loopback or a user is set; metrics, never; all, to anyone"},
      &pages, {{"auto", ServedPages::kAuto}, {"metrics", ServedPages::kMetrics}, {"all", ServedPages::kAll}});
  f.field(
      {.name = "targets_file",
       .doc =
           "file that holds the addresses of all endpoints while the run goes on, for Prometheus' file_sd; "
           "empty: none",
       .unit = kPathUnit},
      &targets_file);
}

bool MetricsConfig::shows_pages() const {
  return pages == ServedPages::kAll ||
         (pages == ServedPages::kAuto && (is_loopback(address) || !user.empty()));
}

void LogConfig::visit(Fields& f) {
  f.choice({.name = "format",
            .doc = "of the lines on stderr: text for people, json for programs, an object a line; "
                   "LODESTONE_LOG_FORMAT "
                   "counts before it"},
           &format, kLogFormats);
}

bool ReportConfig::tensorboard() const {
  return std::find(to.begin(), to.end(), "tensorboard") != to.end();
}

void ReportConfig::check() const {
  bool jsonl = false;
  for (const auto& name : to) {
    if (name != "jsonl" && name != "tensorboard")
      throw ConfigError("report_to: expected jsonl or tensorboard, got '" + name + "'; correct the name");
    jsonl |= name == "jsonl";
  }
  if (!jsonl)
    throw ConfigError(
        "report_to: expected jsonl among the names, got none; add it: the report is drawn from "
        "metrics.jsonl");
}

}  // namespace lodestone
