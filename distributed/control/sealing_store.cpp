#include "distributed/control/sealing_store.h"

#include <utility>

#include "common/error.h"
#include "distributed/control/control_thread.h"

namespace lodestone::distributed {

using std::chrono::milliseconds;

SealingStore::SealingStore(Seal seal, std::string purpose, c10::intrusive_ptr<c10d::Store> inner,
                           std::function<void(const std::string&)> refused)
    : seal_(std::move(seal)),
      purpose_(std::move(purpose)),
      inner_(std::move(inner)),
      refused_(std::move(refused)) {}

std::vector<std::string> SealingStore::hidden(const std::vector<std::string>& keys) const {
  std::vector<std::string> names;
  for (const std::string& key : keys) names.push_back(seal_.key(name_of(key)));
  return names;
}

c10::intrusive_ptr<c10d::Store> SealingStore::clone() {
  return c10::make_intrusive<SealingStore>(seal_, purpose_, inner_->clone(), refused_);
}

void SealingStore::set(const std::string& key, const std::vector<uint8_t>& value) {
  const std::string name = name_of(key);
  inner_->set(seal_.key(name), seal_.hide(name, {value.begin(), value.end()}));
}

std::vector<uint8_t> SealingStore::get(const std::string& key) {
  const std::string name = name_of(key);
  const std::vector<uint8_t> found = inner_->get(seal_.key(name));
  const auto text = seal_.reveal(name, {found.begin(), found.end()});
  if (text) return {text->begin(), text->end()};
  const std::string what = "control plane: the value in the store of " + name +
                           " was not written by a rank of this job, so another program can reach the store; "
                           "isolate the job's network and restart the job";
  if (refused_) refused_(what);
  throw CommError(what);
}

int64_t SealingStore::add(const std::string& key, int64_t value) {
  return inner_->add(seal_.key(name_of(key)), value);
}

bool SealingStore::deleteKey(const std::string& key) {
  return inner_->deleteKey(seal_.key(name_of(key)));
}

bool SealingStore::check(const std::vector<std::string>& keys) {
  return inner_->check(hidden(keys));
}

int64_t SealingStore::getNumKeys() {
  return inner_->getNumKeys();
}

void SealingStore::wait(const std::vector<std::string>& keys) {
  inner_->wait(hidden(keys));
}

void SealingStore::wait(const std::vector<std::string>& keys, const milliseconds& timeout) {
  inner_->wait(hidden(keys), timeout);
}

const milliseconds& SealingStore::getTimeout() const noexcept {
  return inner_->getTimeout();
}

void SealingStore::setTimeout(const milliseconds& timeout) {
  inner_->setTimeout(timeout);
}

std::vector<std::vector<uint8_t>> SealingStore::multiGet(const std::vector<std::string>& keys) {
  std::vector<std::vector<uint8_t>> values;
  for (const std::string& key : keys) values.push_back(get(key));
  return values;
}

void SealingStore::multiSet(const std::vector<std::string>& keys,
                            const std::vector<std::vector<uint8_t>>& values) {
  for (size_t i = 0; i < keys.size(); ++i) set(keys[i], values.at(i));
}

c10::intrusive_ptr<c10d::Store> open_store(const ControlPlane& control, const std::string& purpose,
                                           std::function<void(const std::string&)> refused) {
  const ControlOptions& options = control.options();
  return c10::make_intrusive<SealingStore>(Seal(options.token, options.generation), purpose,
                                           connect_store(options), std::move(refused));
}

}  // namespace lodestone::distributed
