#pragma once

#include <string>
#include <vector>

namespace lodestone::sampler {

/// The error of a *.csv with semicolons in the place of commas, as many spreadsheets write it, and its
/// remedy.
inline constexpr const char* kSemicolons =
    "expected columns separated by commas, got semicolons; save the table with commas, or convert it: "
    "python3 -c \"import csv, sys; csv.writer(sys.stdout).writerows(csv.reader(sys.stdin, delimiter=';'))\" "
    "< IN.csv > OUT.csv";

/// The cells of a line that may have semicolons, without the quotes around a cell.
std::vector<std::string> split_at_semicolons(const std::string& line);

}  // namespace lodestone::sampler
