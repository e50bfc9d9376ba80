#include "trainer/encoders/code_file.h"

#include <array>

#include <sodium.h>

#include "common/files.h"

namespace lodestone::encoders {

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::string text;
  for (const unsigned char byte : hash) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

CodeFile read_code(const std::filesystem::path& path, const std::string& expected, const std::string& what) {
  CodeFile file;
  try {
    file.bytes = read_file(path, UINT64_MAX);
  } catch (const IoError&) {
    std::throw_with_nested(
        DataError("encoder.file: expected " + what + " at " + path.string() + ", which can't be read"));
  }
  file.hash = sha256(file.bytes);
  if (!expected.empty() && file.hash != expected)
    throw ConfigError(
        "encoder.file: expected in " + path.string() +
        " the file that the checkpoint was made with, SHA-256 " + expected + ", got " + file.hash +
        "; put that file back, or name this one yourself with --set encoder.file=" + path.string());
  return file;
}

}  // namespace lodestone::encoders
