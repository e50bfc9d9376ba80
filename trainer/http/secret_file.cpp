#include <fstream>

#include <sys/stat.h>

#include "common/error.h"
#include "trainer/http/http_server.h"

namespace lodestone {

std::string read_secret(const std::string& file, const std::string& setting) {
  std::ifstream lines(file);
  std::string secret;
  if (std::getline(lines, secret) && secret.ends_with('\r')) secret.pop_back();
  if (secret.empty())
    throw ConfigError(setting + ": expected a file whose first line is the secret, got '" + file +
                      "', which has none or can't be read; write one, readable by its owner only");
  return secret;
}

std::string exposed_secret(const std::string& file, const std::string& setting) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & 077) == 0) return {};
  const char* const who = (about.st_mode & 07) != 0 ? "everybody on this host" : "its group";
  return setting + ": expected a file that its owner alone may read, got '" + file + "', which is open to " +
         who + "; run: chmod 600 '" + file + "'";
}

}  // namespace lodestone
