#include "trainer/run/tables.h"

#include <set>
#include <string>

#include "trainer/run/miner_choice.h"

namespace lodestone::run {

namespace {

// `taken` are names that no row may have.
template <typename Interface>
void check(const char* kind, const std::vector<TableRow<Interface>>& rows, std::set<std::string> taken) {
  for (const auto& row : rows) {
    const std::string name = row.name == nullptr ? "" : row.name;
    if (name.empty() || row.doc == nullptr || !row.make)
      throw ConfigError(std::string("extensions: expected a ") + kind +
                        " with a name, a sentence about it and a function that makes one, got '" + name +
                        "' without one of them; complete its row");
    if (!taken.insert(name).second)
      throw ConfigError(std::string("extensions: expected a ") + kind + " with a name of its own, got '" +
                        name + "', which is taken; rename it");
  }
}

template <typename Interface>
std::vector<TableRow<Interface>> joined(std::span<const TableRow<Interface>> own,
                                        const std::vector<TableRow<Interface>>& added) {
  std::vector<TableRow<Interface>> all(own.begin(), own.end());
  all.insert(all.end(), added.begin(), added.end());
  return all;
}

}  // namespace

Tables::Tables(const Extensions& added) {
  Extensions all{joined(losses::loss_table(), added.losses), joined(miners::miner_table(), added.miners),
                 encoders::encoder_table_with(added.encoders)};
  check("loss", all.losses, {});
  check("miner", all.miners, {MinerChoice::kAuto});
  check("encoder", all.encoders, {});
  rows_ = std::make_shared<const Extensions>(std::move(all));
}

}  // namespace lodestone::run
