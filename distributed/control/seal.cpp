#include "distributed/control/seal.h"

#include <array>

#include <sodium.h>

#include "common/error.h"

namespace lodestone::distributed {

namespace {

constexpr size_t kCodeBytes = crypto_auth_hmacsha256_BYTES;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kCodeBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
using Code = std::array<unsigned char, kCodeBytes>;

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string hexadecimal(const unsigned char* bytes, size_t count) {
  std::string text(2 * count + 1, ' ');
  ::sodium_bin2hex(text.data(), text.size(), bytes, count);
  text.pop_back();  // the terminating zero
  return text;
}

Code hmac_bytes(const std::string& key, const std::string& text) {
  crypto_auth_hmacsha256_state state;
  Code out{};
  ::crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  ::crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
  ::crypto_auth_hmacsha256_final(&state, out.data());
  return out;
}

std::string hmac(const std::string& key, const std::string& text) {
  const Code code = hmac_bytes(key, text);
  return hexadecimal(code.data(), code.size());
}

void get_ready() {
  if (::sodium_init() < 0) throw Error("control plane: the system has no random numbers for a token");
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
  std::string text = sealed.substr(2 * kCodeBytes);
  if (::sodium_memcmp(code(name, text).data(), sealed.data(), 2 * kCodeBytes) != 0) return {};
  return text;
}

std::string Seal::hide(const std::string& name, const std::string& text) const {
  get_ready();
  const Code key = hmac_bytes(key_, "cipher");
  std::string hidden(kNonceBytes + text.size() + kTagBytes, ' ');
  ::randombytes_buf(hidden.data(), kNonceBytes);
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(hidden) + kNonceBytes, nullptr, bytes_of(text),
                                               text.size(), bytes_of(name), name.size(), nullptr,
                                               bytes_of(hidden), key.data());
  return hidden;
}

std::optional<std::string> Seal::reveal(const std::string& name, const std::string& hidden) const {
  if (hidden.size() < kNonceBytes + kTagBytes) return {};
  const Code key = hmac_bytes(key_, "cipher");
  std::string text(hidden.size() - kNonceBytes - kTagBytes, ' ');
  const int failed = ::crypto_aead_xchacha20poly1305_ietf_decrypt(
      bytes_of(text), nullptr, nullptr, bytes_of(hidden) + kNonceBytes, hidden.size() - kNonceBytes,
      bytes_of(name), name.size(), bytes_of(hidden), key.data());
  return failed == 0 ? std::optional<std::string>(text) : std::nullopt;
}

std::string Seal::key(const std::string& name) const {
  return "lodestone/" + hmac(key_, "key " + name).substr(0, kCodeBytes);
}

std::string random_token() {
  get_ready();
  Code bytes{};
  ::randombytes_buf(bytes.data(), bytes.size());
  return hexadecimal(bytes.data(), bytes.size());
}

}  // namespace lodestone::distributed
