#include "sampler/tokenizers/piece_ids.h"

#include <algorithm>

#include "common/error.h"
#include "common/printable.h"

namespace lodestone::sampler {

namespace {

constexpr const char* kLanguages[] = {"ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI",
                                      "fr_XX", "gu_IN", "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR",
                                      "lt_LT", "lv_LV", "my_MM", "ne_NP", "nl_XX", "ro_RO", "ru_RU",
                                      "si_LK", "tr_TR", "vi_VN", "zh_CN"};

}  // namespace

PieceNumbers::PieceNumbers(PieceIds ids, int64_t pieces, const std::string& language)
    : pieces_(pieces), offset_(ids == PieceIds::kCamembert ? 4 : 1) {
  if (ids == PieceIds::kCamembert) {
    first_ = {"<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"};
    before_ = {5};
    after_ = {6};
  } else {
    first_ = {"<s>", "<pad>", "</s>", "<unk>"};
    after_ = {2};
  }
  if (ids == PieceIds::kXlmRoberta) before_ = {0};
  if (ids == PieceIds::kMbart) {
    const auto* found = std::find(std::begin(kLanguages), std::end(kLanguages), language);
    if (found == std::end(kLanguages))
      throw ConfigError(
          "tokenizer: expected src_lang to be one of mBART's 25 languages, such as en_XX, got " +
          printable(language) + "; correct tokenizer_config.json beside the model");
    last_.assign(std::begin(kLanguages), std::end(kLanguages));
    after_.push_back(pieces_ + offset_ + (found - std::begin(kLanguages)));
  }
  last_.emplace_back("<mask>");
}

int64_t PieceNumbers::piece(int64_t id) const {
  return id < static_cast<int64_t>(first_.size()) || id >= pieces_ + offset_ ? -1 : id - offset_;
}

std::string PieceNumbers::name(int64_t id) const {
  const bool is_first = id < static_cast<int64_t>(first_.size());
  return is_first ? first_[static_cast<size_t>(id)] : last_[static_cast<size_t>(id - pieces_ - offset_)];
}

}  // namespace lodestone::sampler
