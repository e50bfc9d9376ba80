#include "distributed/seal.h"

#include <array>

#include <sodium.h>

#include "common/error.h"

namespace lodestone {

namespace {

constexpr size_t kCodeBytes = crypto_auth_hmacsha256_BYTES;

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hexadecimal(const unsigned char* bytes, size_t count) {
  std::string text(2 * count + 1, ' ');
  ::sodium_bin2hex(text.data(), text.size(), bytes, count);
  text.pop_back();  // the zero behind it
  return text;
}

std::string hmac(const std::string& key, const std::string& text) {
  crypto_auth_hmacsha256_state state;
  std::array<unsigned char, kCodeBytes> out{};
  ::crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  ::crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
  ::crypto_auth_hmacsha256_final(&state, out.data());
  return hexadecimal(out.data(), out.size());
}

}  // namespace

Seal::Seal(const std::string& token, int64_t generation)
    : key_(hmac(token, "lodestone generation " + std::to_string(generation))) {}

std::string Seal::code(const std::string& name, const std::string& text) const {
  return hmac(key_, std::to_string(name.size()) + ":" + name + text);
}

std::string Seal::close(const std::string& name, const std::string& text) const {
  return code(name, text) + text;
}

std::optional<std::string> Seal::open(const std::string& name, const std::string& sealed) const {
  if (sealed.size() < 2 * kCodeBytes) return {};
  const std::string text = sealed.substr(2 * kCodeBytes);
  if (::sodium_memcmp(code(name, text).data(), sealed.data(), 2 * kCodeBytes) != 0) return {};
  return text;
}

std::string Seal::secret_word() const {
  return hmac(key_, "secret word").substr(0, kCodeBytes);
}

std::string random_token() {
  if (::sodium_init() < 0) throw Error("control plane: the system has no random numbers for a token");
  std::array<unsigned char, kCodeBytes> bytes{};
  ::randombytes_buf(bytes.data(), bytes.size());
  return hexadecimal(bytes.data(), bytes.size());
}

}  // namespace lodestone
