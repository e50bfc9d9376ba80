#include "common/key_index.h"

#include <algorithm>
#include <utility>

#include "common/text_format.h"

namespace lodestone {

namespace {

bool ends_with(const std::string& key, std::string_view word) {
  return key == word || (key.ends_with(word) && key[key.size() - word.size() - 1] == '.');
}

}  // namespace

std::string KeyIndex::Owner::sentence() const {
  return slot + ".name: " + joined(rows);
}

bool KeyIndex::has(const std::string& key) const {
  return std::ranges::find(keys_, key) != keys_.end();
}

const KeyIndex::Owner* KeyIndex::owner(const std::string& key) const {
  const auto found = owners_.find(key);
  return found == owners_.end() || has(key) ? nullptr : &found->second;
}

std::vector<std::string> KeyIndex::ending_with(std::string_view word) const {
  std::vector<std::string> found;
  for (const std::string& key : keys_)
    if (ends_with(key, word)) found.push_back(key);
  if (!found.empty()) return found;
  for (const auto& [key, owner] : owners_)
    if (ends_with(key, word)) found.push_back(key);
  return found;
}

void KeyIndex::field(const FieldInfo& info, FieldValue) {
  add(prefix_ + info.name);
}

void KeyIndex::group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) {
  add(prefix_ + info.name);
  below(info, [&] { visit_members(*this); });
}

void KeyIndex::slot(const FieldInfo& info, SlotBase& slot) {
  add(prefix_ + info.name);
  const std::string chosen = slot.name(), key = prefix_ + info.name;
  below(info, [&] {
    add(prefix_ + "name");
    slot.visit(*this);
    if (row_ != nullptr) return;  // a slot inside a row that is not chosen
    for (const std::string& name : slot.names()) {
      if (name == chosen) continue;
      Owner row{key, chosen, {name}};
      row_ = &row;
      slot.choose(name);
      slot.visit(*this);
      row_ = nullptr;
    }
    slot.choose(chosen);
  });
}

void KeyIndex::add(const std::string& key) {
  if (row_ == nullptr) return keys_.push_back(key);
  Owner& owner = owners_.try_emplace(key, Owner{row_->slot, row_->chosen, {}}).first->second;
  owner.rows.push_back(row_->rows.front());
}

void KeyIndex::below(const FieldInfo& info, const std::function<void()>& visit) {
  const std::string outer = std::exchange(prefix_, prefix_ + info.name + ".");
  visit();
  prefix_ = outer;
}

}  // namespace lodestone
