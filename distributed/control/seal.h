#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lodestone {

/// Tells the messages of one generation of one job from all others: each carries an HMAC-SHA-256 over its name and text, keyed
/// by the job's token and the generation. Whoever lacks either can neither write what is believed nor tell which key holds
/// what. An old message of the same name is believed again: where that matters its text holds a counter, and the reader keeps
/// the last. What is hidden, others can't read either.
/// Cost       some microseconds a message
class Seal {
 public:
  /// An empty token tells generations apart and keeps nobody out.
  Seal(const std::string& token, int64_t generation);

  /// `text` with its code in front.
  std::string close(const std::string& name, const std::string& text) const;
  /// The text, if it was closed under this name by one who has the same token and generation.
  std::optional<std::string> open(const std::string& name, const std::string& sealed) const;

  /// `text` encrypted, and readable under this name alone.
  std::string hide(const std::string& name, const std::string& text) const;
  std::optional<std::string> reveal(const std::string& name, const std::string& hidden) const;

  /// The key that what is called `name` lies under in a store: an HMAC of the name, since stores list their keys to anybody.
  std::string key(const std::string& name) const;

 private:
  std::string code(const std::string& name, const std::string& text) const;

  std::string key_;
};

/// 32 random bytes, hexadecimal. Throws Error if the system has none.
std::string random_token();

}  // namespace lodestone
