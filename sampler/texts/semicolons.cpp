#include "sampler/texts/semicolons.h"

namespace lodestone::sampler {

std::vector<std::string> split_at_semicolons(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ';')
      cells.emplace_back();
    else
      cells.back() += c;
  }
  for (std::string& cell : cells)
    if (cell.size() > 1 && cell.front() == '"' && cell.back() == '"') cell = cell.substr(1, cell.size() - 2);
  return cells;
}

}  // namespace lodestone::sampler
