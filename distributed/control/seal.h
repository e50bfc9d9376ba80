#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lodestone::distributed {

/// Authenticates the messages of one generation of a job, by an HMAC-SHA-256 over name and text, keyed by the
/// job's token and the generation. Others can neither write valid messages, nor find out which key holds
/// which message, nor read hidden texts. A replayed old message of the same name is valid again: where that
/// matters, its text has a counter, and the reader keeps the last one.
/// Cost      some microseconds per message.
class Seal {
 public:
  /// An empty token separates generations, but does not exclude anyone.
  Seal(const std::string& token, int64_t generation);

  /// `text` with its authentication code in front.
  std::string close(const std::string& name, const std::string& text) const;
  /// The text, if it was sealed under this name with the same token and generation; else empty.
  std::optional<std::string> open(const std::string& name, const std::string& sealed) const;

  /// Encrypts `text`; it can be decrypted under this name only.
  std::string hide(const std::string& name, const std::string& text) const;
  std::optional<std::string> reveal(const std::string& name, const std::string& hidden) const;

  /// The store's key for the entry `name`: an HMAC of the name, since stores list their keys to everybody.
  std::string key(const std::string& name) const;

 private:
  std::string code(const std::string& name, const std::string& text) const;

  std::string key_;
};

/// 32 random bytes, hexadecimal. Throws Error if the system has none.
std::string random_token();

}  // namespace lodestone::distributed
