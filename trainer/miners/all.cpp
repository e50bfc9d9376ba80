#include "trainer/miners/miner.h"

namespace lodestone {

namespace {

/// No mining: every pair or triplet of the global batch counts.
class AllMiner : public Miner {
 public:
  void visit(Fields&) override {}
  bool takes_all() const override { return true; }
  MiningState initial_state(int64_t, int64_t, const at::TensorOptions&) const override { return {}; }
  void fold(int, const MiningTile&, MiningState&) const override {}
  Tuples tuples(const at::Tensor&, const MiningState&) const override { return {}; }
};

}  // namespace

std::unique_ptr<Miner> make_all_miner() { return std::make_unique<AllMiner>(); }

}  // namespace lodestone
