#include <sstream>

#include "distributed/control/control_thread.h"

namespace lodestone::distributed {

// One line "<number> <step> <left>", one "g <group> <call> <operation>" per group, and last
// "r <exit code> <report>", since the report is free text.
std::string Beat::text() const {
  std::ostringstream out;
  out << number << ' ' << step << ' ' << left << '\n';
  for (const auto& [group, entry] : entered)
    out << "g " << group << ' ' << entry.call << ' ' << entry.operation << '\n';
  if (report) out << "r " << report.code << ' ' << report.what;
  return out.str();
}

Beat Beat::parse(const std::string& text) {
  Beat beat;
  std::istringstream in(text);
  in >> beat.number >> beat.step >> beat.left;
  for (std::string kind; in >> kind;) {
    if (kind == "g") {
      std::string group;
      Entered entry;
      in >> group >> entry.call >> entry.operation;
      beat.entered[group] = entry;
    } else {
      in >> beat.report.code;
      in.get();
      beat.report.what.assign(std::istreambuf_iterator<char>(in), {});
    }
  }
  return beat;
}

// A line "<number> <flights> <exit code>", then the verdict.
std::string Status::text() const {
  return std::to_string(number) + ' ' + std::to_string(flights) + ' ' + std::to_string(verdict.code) + '\n' +
         verdict.what;
}

Status Status::parse(const std::string& text) {
  Status status;
  std::istringstream in(text);
  in >> status.number >> status.flights >> status.verdict.code;
  in.get();
  status.verdict.what.assign(std::istreambuf_iterator<char>(in), {});
  return status;
}

}  // namespace lodestone::distributed
