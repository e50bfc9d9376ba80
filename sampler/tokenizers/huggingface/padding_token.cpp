#include "sampler/tokenizers/huggingface/padding_token.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/paths.h"

namespace lodestone::sampler::huggingface {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 20;

// A text, or a mapping with the text as "content"; "" if the file does not name one.
std::string named_in(const fs::path& file) {
  if (!is_file(file)) return "";
  try {
    const nlohmann::json json = parse_json(read_file(file, kMaxFileBytes), file.string());
    const nlohmann::json token =
        json.is_object() ? json.value("pad_token", nlohmann::json()) : nlohmann::json();
    if (token.is_string()) return token.get<std::string>();
    return token.is_object() ? token.value("content", "") : "";
  } catch (const std::exception&) {  // no JSON, or of another form: it names none
    return "";
  }
}

int64_t find(const std::string& name, const AddedTokens& added, const Vocabulary& vocabulary) {
  for (const AddedToken& token : added.all())
    if (token.content == name) return token.id;
  return name.empty() ? -1 : vocabulary.find(name);
}

}  // namespace

int64_t padding_token(const Part& file, const std::string& path, const AddedTokens& added,
                      const Vocabulary& vocabulary) {
  if (file.has("padding")) return file.part("padding").part("pad_id").number(kMostId);
  const fs::path folder = fs::path(path).parent_path();
  for (const std::string& name :
       {named_in(folder / "tokenizer_config.json"), named_in(folder / "special_tokens_map.json"),
        std::string("[PAD]"), std::string("<pad>")})
    if (const int64_t id = find(name, added, vocabulary); id >= 0) return id;
  return 0;
}

}  // namespace lodestone::sampler::huggingface
