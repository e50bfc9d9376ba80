#include <sstream>

#include "distributed/control/control_thread.h"

namespace lodestone {

// One line "<number> <step> <left>", one "g <group> <call> <verb>" per group, and last
// "r <exit code> <report>", since the report is free text.
std::string Beat::text() const {
  std::ostringstream out;
  out << number << ' ' << step << ' ' << left << '\n';
  for (const auto& [group, entry] : entered)
    out << "g " << group << ' ' << entry.call << ' ' << entry.verb << '\n';
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
      in >> group >> entry.call >> entry.verb;
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
std::string Word::text() const {
  return std::to_string(number) + ' ' + std::to_string(flights) + ' ' + std::to_string(verdict.code) + '\n' +
         verdict.what;
}

Word Word::parse(const std::string& text) {
  Word word;
  std::istringstream in(text);
  in >> word.number >> word.flights >> word.verdict.code;
  in.get();
  word.verdict.what.assign(std::istreambuf_iterator<char>(in), {});
  return word;
}

}  // namespace lodestone
