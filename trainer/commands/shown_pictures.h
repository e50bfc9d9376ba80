#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace lodestone {

/// Picture files that a page embeds, by names out of a file that may be a stranger's (a gallery): whoever opens the page, or gets it,
/// must see no other file of this host. So a file is shown only where it lies, once links are followed, below one of the folders that
/// were named, and only if it decodes as a picture.
class ShownPictures {
 public:
  /// `folders`: those that the user's own command names; one may be a file, and then stands for itself. Empty ones are none.
  explicit ShownPictures(const std::vector<std::string>& folders);

  /// The file as a data: URI, or "" where it isn't shown.
  std::string uri(const std::filesystem::path& file);
  /// What was not shown, and why, for people; empty if nothing.
  std::string left_out() const;

 private:
  bool may_be_read(const std::filesystem::path& file) const;

  std::vector<std::filesystem::path> roots_;
  std::set<std::filesystem::path> elsewhere_, no_pictures_;
};

}  // namespace lodestone
