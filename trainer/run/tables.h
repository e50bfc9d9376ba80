#pragma once

#include <memory>
#include <span>

#include "trainer/run/extensions.h"

namespace lodestone::run {

/// What the names in a configuration can be: the rows of the library, and behind them those of the program.
/// A handle: copies share the rows, which live as long as one of them.
class Tables {
 public:
  /// The rows of the library alone.
  Tables() : Tables(Extensions{}) {}
  /// Throws    ConfigError if a row has no name or makes nothing, or if a name is taken
  explicit Tables(const Extensions& added);

  std::span<const TableRow<losses::Loss>> losses() const { return rows_->losses; }
  std::span<const TableRow<miners::Miner>> miners() const { return rows_->miners; }
  std::span<const TableRow<encoders::Encoder>> encoders() const { return rows_->encoders; }

 private:
  std::shared_ptr<const Extensions> rows_;
};

}  // namespace lodestone::run
