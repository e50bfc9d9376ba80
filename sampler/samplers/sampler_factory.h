#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/fields.h"
#include "sampler/dataset.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// A row of the table of samplers: its settings, the sampler that they make, and what the rest of a run asks
/// about its batches. Nothing else asks for a sampler's name.
class SamplerFactory {
 public:
  virtual ~SamplerFactory() = default;
  /// The settings, keys of the mapping `sampler`. Samplers may share a key.
  virtual void visit(Fields&) {}
  /// Requires  a data set without weights, unless applies_weights()
  /// Throws    ConfigError, DataError if settings, data and batch do not fit together
  virtual std::shared_ptr<const IndexSampler> make(std::shared_ptr<const Dataset> dataset,
                                                   int64_t global_batch, uint64_t seed) const = 0;
  /// The number of consecutive rows of a batch that belong together: the samples of a class, the views of a
  /// sample. 1: none.
  virtual int64_t unit() const { return 1; }
  /// Whether each sample is a class of its own, whose rows are its views.
  virtual bool samples_are_labels() const { return false; }
  /// Whether sources of a mixture are drawn from by their weights.
  virtual bool applies_weights() const { return false; }
};

/// All samplers. sampler/samplers/table.cpp has one row for each.
std::span<const TableRow<SamplerFactory>> sampler_table();

}  // namespace lodestone::sampler
