#pragma once

#include <functional>
#include <string>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/control/control.h"
#include "distributed/control/seal.h"

namespace lodestone::distributed {

/// A store whose values only ranks of this job and generation can read and write, under keys that reveal
/// nothing. NCCL uses it, since it puts its ids into the store unprotected. A value written by somebody else,
/// or copied from another key, is refused. Counters (add) are computed by the server and stay readable.
/// Throws    CommError from get() and multiGet() for a value that no rank of this job has written there.
class SealingStore : public c10d::Store {
 public:
  /// `purpose` separates the users of one store. `refused` is called for every refusal, for callers that lose
  /// the exception.
  SealingStore(Seal seal, std::string purpose, c10::intrusive_ptr<c10d::Store> inner,
               std::function<void(const std::string&)> refused = {});

  using Store::set;
  c10::intrusive_ptr<Store> clone() override;
  void set(const std::string& key, const std::vector<uint8_t>& value) override;
  std::vector<uint8_t> get(const std::string& key) override;
  int64_t add(const std::string& key, int64_t value) override;
  bool deleteKey(const std::string& key) override;
  bool check(const std::vector<std::string>& keys) override;
  int64_t getNumKeys() override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) override;
  const std::chrono::milliseconds& getTimeout() const noexcept override;
  void setTimeout(const std::chrono::milliseconds& timeout) override;
  std::vector<std::vector<uint8_t>> multiGet(const std::vector<std::string>& keys) override;
  void multiSet(const std::vector<std::string>& keys,
                const std::vector<std::vector<uint8_t>>& values) override;

 private:
  std::string name_of(const std::string& key) const { return purpose_ + "/" + key; }
  std::vector<std::string> hidden(const std::vector<std::string>& keys) const;

  const Seal seal_;
  const std::string purpose_;
  const c10::intrusive_ptr<c10d::Store> inner_;
  const std::function<void(const std::string&)> refused_;
};

/// A client of the control plane's store whose keys and values belong to the running generation and to
/// `purpose`: others can neither read nor replace them. `refused` is called for values that others have
/// written.
c10::intrusive_ptr<c10d::Store> open_store(const ControlPlane& control, const std::string& purpose,
                                           std::function<void(const std::string&)> refused);

}  // namespace lodestone::distributed
