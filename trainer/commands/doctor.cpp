#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

#include "common/error.h"
#include "common/host_name.h"
#include "common/json_text.h"
#include "common/printable.h"
#include "distributed/launch.h"
#include "distributed/reductions/gather_texts.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/doctor/doctor_checks.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct DoctorArguments {
  std::string folder = ".";
  std::optional<int> port;
  bool json = false;
};

using run::Finding;
using Level = Finding::Level;

constexpr const char* kMarks[] = {"   ", " ! ", "!! "};
constexpr const char* kLevels[] = {"good", "note", "fails"};

nlohmann::json to_json(const Finding& finding) {
  return {{"what", finding.what},
          {"state", finding.state},
          {"level", kLevels[static_cast<int>(finding.level)]},
          {"fails", finding.level == Level::kFails},
          {"figures", finding.figures}};
}

Finding from_json(const nlohmann::json& line) {
  const auto level = std::find(std::begin(kLevels), std::end(kLevels), line["level"].get<std::string>()) -
                     std::begin(kLevels);
  return {line["what"], line["state"], static_cast<Level>(level), line["figures"]};
}

int show(const std::vector<Finding>& all, bool json) {
  size_t width = 0;
  for (const auto& finding : all) width = std::max(width, finding.what.size());
  nlohmann::json lines = nlohmann::json::array();
  for (const auto& finding : all) {
    lines.push_back(to_json(finding));
    if (!json)
      std::cout << kMarks[static_cast<int>(finding.level)] << finding.what
                << std::string(width - finding.what.size() + 2, ' ') << printable(finding.state) << "\n";
  }
  if (json) std::cout << json_text(lines, 2) << "\n";
  std::cout << std::flush;
  const bool fails =
      std::any_of(all.begin(), all.end(), [](const auto& finding) { return finding.level == Level::kFails; });
  return fails ? kRunFailed : kDone;
}

std::vector<Finding> check_own(const DoctorArguments& arguments, const distributed::LaunchInfo& info) {
  auto all = run::check_host();
  all.push_back({"launcher", std::string(name_of(info.launcher)) + ", rank " + std::to_string(info.rank) +
                                 " of " + std::to_string(info.world)});
  // The first rank of a host tests its ports.
  if (arguments.port && info.local_rank == 0)
    all.push_back(run::check_ports(*arguments.port, std::max(1, info.local_world)));
  return all;
}

// Rank 0's findings, and those of other ranks that are not good: a host like
// the first one has nothing to add.
std::vector<Finding> with_others(const distributed::Group& world, std::vector<Finding> own, int local_rank) {
  nlohmann::json mine = nlohmann::json::array();
  for (const auto& finding : own)
    if (local_rank == 0 && finding.level != Level::kGood) mine.push_back(to_json(finding));
  const auto texts = distributed::gather_texts(world, json_text({{"host", host_name()}, {"findings", mine}}));
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    const auto other = nlohmann::json::parse(texts[rank]);
    for (const auto& line : other["findings"]) {
      own.push_back(from_json(line));
      own.back().what = other["host"].get<std::string>() + ": " + own.back().what;
    }
  }
  return own;
}

int examine(const coordinator::RunContext& context, const DoctorArguments& arguments) {
  const distributed::LaunchInfo& info = context.launch.info();
  auto all = with_others(context.world, check_own(arguments, info), info.local_rank);
  if (context.is_main_rank())
    for (auto& finding : run::check_folder(arguments.folder)) all.push_back(std::move(finding));
  for (auto& finding : run::check_ranks(context.world, arguments.folder)) all.push_back(std::move(finding));
  // All ranks end with rank 0's code.
  const int code = context.is_main_rank() ? show(all, arguments.json) : kDone;
  return static_cast<int>(context.world.gather_counts(code).front());
}

int run_doctor(const DoctorArguments& arguments, const run::Tables& tables) {
  distributed::LaunchInfo info;
  try {
    info = distributed::discover_launch(distributed::process_environment());
  } catch (const ConfigError& error) {
    auto all = run::check_host();
    all.push_back({"launcher", error.what(), Level::kFails});
    return show(all, arguments.json);
  }
  if (info.world != 1) {
    run::RunConfig config(tables);
    run::read_run_config(parse_yaml("", "doctor"), {"distributed.timeout=60"}, "doctor", config);
    return run::run_on_ranks(config,
                             [&](coordinator::RunContext& context) { return examine(context, arguments); });
  }
  auto all = check_own(arguments, info);
  for (auto& finding : run::check_folder(arguments.folder)) all.push_back(std::move(finding));
  return show(all, arguments.json);
}

}  // namespace

void add_doctor(CLI::App* doctor, Action& action) {
  auto arguments = on<DoctorArguments>(doctor, action, run_doctor);
  add_path(doctor, "--folder", arguments->folder, "Folder for checkpoints, whose file system is tested")
      ->capture_default_str();
  doctor
      ->add_option("--port", arguments->port,
                   "Port intended for metrics.port; the check reports whether it is free")
      ->check(CLI::Range(1, 65535));
  doctor->add_flag("--json", arguments->json, "Print the findings as JSON, with the measured figures");
}

}  // namespace lodestone::commands
