#include "trainer/coordinator/config.h"

#include <algorithm>

#include "common/error.h"
#include "common/keys_without_effect.h"
#include "common/paths.h"
#include "trainer/http/http_server.h"

namespace lodestone::coordinator {

void MetricsConfig::visit(Fields& f) {
  f.field({.name = "port",
           .doc = "port of the live page and of /metrics for Prometheus, on rank 0; null or 0: no server",
           .min = 0.0,
           .max = 65535.0},
          &port);
  if (!serves())
    without_effect(f,
                   {"address", "per_rank", "user", "password_file", "certificate", "pages", "targets_file"},
                   "without a port; set metrics.port, or leave it out", "port");
  f.field({.name = "address",
           .doc = "IP address to listen on; anyone who can reach it can read, unless a user is set"},
          &address);
  f.field({.name = "per_rank", .doc = "whether every rank serves its own /metrics, at port + its local rank"},
          &per_rank);
  f.field({.name = "user",
           .doc = "user name that a reader must give, with the password; empty: no authentication"},
          &user);
  if (serves() && user.empty())
    without_effect(f, {"password_file"}, "without a user; set metrics.user, or leave it out", "user");
  f.field({.name = "password_file",
           .doc = "file whose first line is the password of that user",
           .unit = kPathUnit},
          &password_file);
  f.field({.name = "certificate",
           .doc = "PEM file with private key and certificate chain, which enables HTTPS; empty: HTTP",
           .unit = kPathUnit},
          &certificate);
  f.choice(
      {.name = "pages",
       .doc = "what is served besides /metrics. auto: the live page with images and configuration, if the "
              "address is loopback or a user is set; metrics: nothing; all: the live page, to anyone"},
      &pages, {{"auto", ServedPages::kAuto}, {"metrics", ServedPages::kMetrics}, {"all", ServedPages::kAll}});
  f.field(
      {.name = "targets_file",
       .doc = "file with the addresses of all endpoints during the run, for Prometheus' file_sd; empty: none",
       .unit = kPathUnit},
      &targets_file);
}

bool MetricsConfig::shows_pages() const {
  return pages == ServedPages::kAll ||
         (pages == ServedPages::kAuto && (http::is_loopback(address) || !user.empty()));
}

void MetricsConfig::check() const {
  if (user.empty() != password_file.empty())
    throw ConfigError("metrics: expected user and password_file together, got one of them; set both or none");
}

void LogConfig::visit(Fields& f) {
  f.choice(
      {.name = "format",
       .doc = "format of the lines on stderr: text for people, or json for programs, one object per line; "
              "LODESTONE_LOG_FORMAT takes precedence"},
      &format, kLogFormats);
}

bool ReportConfig::tensorboard() const {
  return std::ranges::find(to, MetricsFile::kTensorboard) != to.end();
}

void ReportConfig::visit(Fields& f) {
  f.choice({.name = "report_to",
            .doc = "files in the run folder with the metrics of each step: jsonl (metrics.jsonl, always) and "
                   "tensorboard (event files in tensorboard/)"},
           &to, {{"jsonl", MetricsFile::kJsonl}, {"tensorboard", MetricsFile::kTensorboard}});
}

void ReportConfig::check() const {
  if (std::ranges::find(to, MetricsFile::kJsonl) == to.end())
    throw ConfigError(
        "report_to: expected jsonl among the names, got none; add it: the report is drawn from "
        "metrics.jsonl");
}

}  // namespace lodestone::coordinator
