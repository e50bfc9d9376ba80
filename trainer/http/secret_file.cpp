#include <algorithm>

#include <sys/stat.h>

#include "common/error.h"
#include "common/files.h"
#include "common/pipe_file.h"
#include "trainer/http/http_server.h"

namespace lodestone::http {

namespace {

constexpr uint64_t kLargest = 1 << 16;

}  // namespace

std::string read_secret(const std::string& file, const std::string& setting) {
  const ConfigError refusal(setting + ": expected a file whose first line is the secret, got '" + file +
                            "', which has none or can't be read; write one, readable by its owner only");
  std::string secret;
  try {
    secret = read_file_or_pipe(file, kLargest);
  } catch (const IoError&) {
    std::throw_with_nested(refusal);
  }
  secret.resize(std::min(secret.size(), secret.find('\n')));
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) throw ConfigError(refusal);
  return secret;
}

std::string exposed_secret(const std::string& file, const std::string& setting) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & 077) == 0) return {};
  const char* const who = (about.st_mode & 07) != 0 ? "everybody on this host" : "its group";
  return setting + ": expected a file that its owner alone may read, got '" + file + "', which is open to " +
         who + "; run: chmod 600 '" + file + "'";
}

}  // namespace lodestone::http
