#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace lodestone::search {

/// Image files that an HTML page embeds, named by a file that may be untrusted (a gallery). Readers of the
/// page must see no other file of this host, so a file is embedded only if, after links are resolved, it is
/// below one of the given folders, and if it decodes as an image.
class ShownImages {
 public:
  /// `folders` are those that the user's command names. A file in place of a folder permits that file. Empty
  /// strings are ignored.
  explicit ShownImages(const std::vector<std::string>& folders);

  /// The file as a data: URI, else the thumbnail; "" if neither is shown.
  std::string uri(const std::filesystem::path& file, const std::string& thumbnail = "");
  /// Which files were not shown, and why, as text for the user; empty if there are none.
  std::string left_out() const;

 private:
  bool may_be_read(const std::filesystem::path& file) const;

  std::vector<std::filesystem::path> roots_;
  std::set<std::filesystem::path> elsewhere_, no_images_;
};

}  // namespace lodestone::search
