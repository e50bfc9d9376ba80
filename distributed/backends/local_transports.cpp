#include "distributed/backends/local_transports.h"

#include "distributed/backends/local_hub.h"

namespace lodestone::distributed {

namespace {

class LocalTransport : public Transport {
 public:
  LocalTransport(Members members, std::shared_ptr<Hub> hub)
      : Transport(std::move(members)), hub_(std::move(hub)) {}

  void submit(Call call) override {
    const bool message = call.kind == c10d::OpType::SEND || call.kind == c10d::OpType::RECV;
    if (message) {
      hub_->post(rank_, std::move(call));
    } else {
      hub_->enter(rank_, std::move(call));
    }
  }

  c10::intrusive_ptr<Transport> subgroup(Members members, const std::vector<int>& positions) override {
    auto hub = hub_->subgroup(members, positions);
    return c10::make_intrusive<LocalTransport>(std::move(members), std::move(hub));
  }

  void abort_calls(const std::string& why) override { hub_->abort_calls(why); }

 private:
  const std::shared_ptr<Hub> hub_;
};

}  // namespace

std::vector<c10::intrusive_ptr<Transport>> make_local_transports(const std::vector<Members>& members) {
  std::vector<c10::intrusive_ptr<Transport>> transports;
  if (members.size() == 1) return {nullptr};
  const auto hub = std::make_shared<Hub>(members.front().id, members, nullptr);
  for (const Members& rank : members) transports.emplace_back(c10::make_intrusive<LocalTransport>(rank, hub));
  return transports;
}

}  // namespace lodestone::distributed
