#pragma once

#include <optional>
#include <string>

namespace lodestone {

/// What lies beside a SentencePiece model says of whose ids its pieces have in Hugging Face's models.
struct TokenizerFamily {
  std::string source;        ///< "tokenizer_config.json: XLMRobertaTokenizer": where it is said, for people
  bool xlm_roberta = false;  ///< XLM-R's rule; else another one, which isn't known here
};

/// Looks at tokenizer_config.json and config.json in the model's folder, and at its name: sentencepiece.bpe.model is how XLM-R's,
/// CamemBERT's and mBART's are called. None where the pieces have the model's own ids (T5, ALBERT, DeBERTa) or nothing is said;
/// a JSON file that can't be read says nothing.
std::optional<TokenizerFamily> tokenizer_family(const std::string& model);

}  // namespace lodestone
