#include "trainer/search/shown_images.h"

#include <algorithm>

#include "common/counted.h"
#include "common/error.h"
#include "common/files.h"
#include "common/paths.h"
#include "trainer/search/picture.h"

namespace lodestone::search {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestFile = uint64_t{64} << 20;

}  // namespace

ShownImages::ShownImages(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    if (fs::path real = fs::canonical(folder, error); !folder.empty() && !error)
      roots_.push_back(std::move(real));
  }
}

// `file` has its links resolved.
bool ShownImages::may_be_read(const fs::path& file) const {
  return std::any_of(roots_.begin(), roots_.end(), [&](const fs::path& root) {
    return std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
  });
}

std::string ShownImages::uri(const fs::path& file, const std::string& thumbnail) {
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  const std::string stored = thumbnail_uri(thumbnail);
  if (!thumbnail.empty() && stored.empty()) no_images_.insert(file);
  // Not a file: a text, a row of a table, or a file that no longer exists.
  if (error || !is_file(real)) return stored;
  if (!may_be_read(real)) {
    if (stored.empty()) elsewhere_.insert(real);
    return stored;
  }
  std::string shown;
  try {
    shown = picture_uri(read_file(real, kLargestFile));
  } catch (const Error&) {  // too large or unreadable
  }
  if (!shown.empty()) return shown;
  if (stored.empty()) no_images_.insert(real);
  return stored;
}

std::string ShownImages::left_out() const {
  const auto size = [](const auto& files) { return static_cast<int64_t>(files.size()); };
  std::string text;
  if (!elsewhere_.empty())
    text = counted(size(elsewhere_), "file") +
           " named by the gallery or by the query's file are outside their folders; if you know these "
           "images, name their folder with --pictures";
  if (!no_images_.empty())
    text += (text.empty() ? "" : "; ") + counted(size(no_images_), "file") +
            " can't be shown: not a valid image, or larger than 64 MiB";
  return text;
}

}  // namespace lodestone::search
