#include "trainer/commands/shown_pictures.h"

#include <algorithm>
#include <span>

#include "common/counted.h"
#include "common/files.h"
#include "common/paths.h"
#include "sampler/codecs/decode.h"
#include "trainer/search/result_page.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLargestFile = uint64_t{64} << 20;

bool decodes(const std::string& bytes) {
  try {
    decode_image(std::as_bytes(std::span(bytes)), DecodeOptions(), "picture");
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

ShownPictures::ShownPictures(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    if (fs::path real = fs::canonical(folder, error); !folder.empty() && !error)
      roots_.push_back(std::move(real));
  }
}

// `file` has its links resolved.
bool ShownPictures::may_be_read(const fs::path& file) const {
  return std::any_of(roots_.begin(), roots_.end(), [&](const fs::path& root) {
    return std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
  });
}

std::string ShownPictures::uri(const fs::path& file) {
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  // Not a file: a text, a row of a table, or a file that no longer exists.
  if (error || !is_file(real)) return "";
  if (!may_be_read(real)) {
    elsewhere_.insert(real);
    return "";
  }
  std::string shown;
  try {
    if (const std::string bytes = read_file(real, kLargestFile); decodes(bytes)) shown = picture_uri(bytes);
  } catch (const std::exception&) {  // too large or unreadable
  }
  if (shown.empty()) no_pictures_.insert(real);
  return shown;
}

std::string ShownPictures::left_out() const {
  const auto size = [](const auto& files) { return static_cast<int64_t>(files.size()); };
  std::string text;
  if (!elsewhere_.empty())
    text = counted(size(elsewhere_), "file") +
           " that the gallery or the query's file names lie outside of their folders; if they are pictures "
           "that you "
           "know, name their folder by --pictures";
  if (!no_pictures_.empty())
    text += (text.empty() ? "" : "; ") + counted(size(no_pictures_), "file") +
            " can't be shown: no PNG, JPEG or WebP that decodes, or larger than 64 MiB";
  return text;
}

}  // namespace lodestone
