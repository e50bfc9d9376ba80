#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lodestone {

/// Tells the messages of one generation of one job from all others: each carries an HMAC-SHA-256 over its name and text, keyed
/// by the job's token and the generation. Whoever lacks either can neither write what is believed nor find the keys that are
/// written to. It hides nothing from those who can read the network.
/// Cost       some microseconds a message
class Seal {
 public:
  /// An empty token tells generations apart and keeps nobody out.
  Seal(const std::string& token, int64_t generation);

  /// `text` with its code in front.
  std::string close(const std::string& name, const std::string& text) const;
  /// The text, if it was closed under this name by one who has the same token and generation.
  std::optional<std::string> open(const std::string& name, const std::string& sealed) const;
  /// A word that only those with the same token and generation know: what keys begin with.
  std::string secret_word() const;

 private:
  std::string code(const std::string& name, const std::string& text) const;

  std::string key_;
};

/// 32 random bytes, hexadecimal. Throws Error if the system has none.
std::string random_token();

}  // namespace lodestone
