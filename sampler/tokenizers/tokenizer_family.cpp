#include "sampler/tokenizers/tokenizer_family.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/paths.h"
#include "common/printable.h"

namespace lodestone::sampler {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;

// Classes and model types, in lower case and without punctuation, whose ids are not the model's own, or that
// put other special tokens around a text.
constexpr std::array<std::string_view, 13> kOthers{"mbart50", "nllb",  "barthez", "xglm",    "xlmprophetnet",
                                                   "plbart",  "xlnet", "cpm",     "pegasus", "bigbird",
                                                   "llama",   "gemma", "reformer"};

constexpr std::pair<std::string_view, PieceIds> kFamilies[] = {
    {"xlmroberta", PieceIds::kXlmRoberta}, {"camembert", PieceIds::kCamembert}, {"mbart", PieceIds::kMbart}};

nlohmann::json read_beside(const fs::path& file) {
  if (!is_file(file)) return {};
  try {
    return parse_json(read_file(file, kMaxFileBytes), file.string());
  } catch (const Error&) {
    return {};
  }
}

std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)))
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return letters;
}

// The family that the value of a key indicates, if any.
std::optional<TokenizerFamily> said(const nlohmann::json& config, const char* file, const char* key) {
  if (!config.is_object() || !config.contains(key) || !config[key].is_string()) return {};
  const auto value = config[key].get<std::string>();
  const std::string name = plain(value);
  const auto is_in = [&name](std::string_view word) { return name.find(word) != std::string::npos; };
  const std::string source = std::string(file) + ": " + printable(value);
  if (std::any_of(kOthers.begin(), kOthers.end(), is_in))
    return TokenizerFamily{source, PieceIds::kSentencePiece};
  for (const auto& [word, ids] : kFamilies)
    if (is_in(word)) return TokenizerFamily{source, ids};
  return {};
}

}  // namespace

std::optional<TokenizerFamily> tokenizer_family(const std::string& model) {
  const fs::path folder = fs::path(model).parent_path();
  constexpr const char *kTokenizer = "tokenizer_config.json", *kModel = "config.json";
  const nlohmann::json tokenizer = read_beside(folder / kTokenizer), config = read_beside(folder / kModel);
  for (auto found : {said(tokenizer, kTokenizer, "tokenizer_class"), said(config, kModel, "tokenizer_class"),
                     said(config, kModel, "model_type")})
    if (found) {
      if (tokenizer.is_object() && tokenizer.contains("src_lang") && tokenizer["src_lang"].is_string())
        found->language = tokenizer["src_lang"].get<std::string>();
      return found;
    }
  const std::string name = fs::path(model).filename().string();
  if (name == "sentencepiece.bpe.model") return TokenizerFamily{"its name, " + name};
  return {};
}

}  // namespace lodestone::sampler
