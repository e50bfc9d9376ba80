#include "common/file_kind.h"

#include <algorithm>
#include <iterator>

namespace lodestone {

namespace {

constexpr FileKind kKinds[] = {
    {"\x93NUMPY", "a NumPy array (*.npy)"},
    {"PK\x03\x04", "a ZIP file, as torch.save, torch.jit.save and numpy.savez write it", "", true},
    {"\x80\x02", "a pickle", "", true},
    {"\x80\x03", "a pickle", "", true},
    {"\x80\x04", "a pickle", "", true},
    {"\x80\x05", "a pickle", "", true},
    {"version https://git-lfs", "a pointer of Git LFS in the file's place", "; run git lfs pull there"},
    {"\x89HDF", "an HDF5 file"},
    {"GGUF", "a GGUF file", "; use the safetensors that it was made of"},
    {"PAR1", "a Parquet file"},
    {"ARROW1", "an Arrow file"},
    {"\x1f\x8b", "a gzip file"},
    {"\x89PNG", "a PNG image"},
    {"\xff\xd8\xff", "a JPEG image"},
    {"RIFF", "a WebP image or another RIFF file"},
    {"%PDF", "a PDF file"},
    {"<", "a web page", "; fetch the file itself"},
    {"{", "a text in JSON"},
    {"[", "a text in JSON"},
};

// Safetensors begin with the length of their header, whose bytes may be any.
bool may_be_safetensors(std::string_view bytes) {
  return bytes.size() > 8 && bytes[8] == '{';
}

}  // namespace

const FileKind* file_kind(std::string_view bytes) {
  if (may_be_safetensors(bytes)) return nullptr;
  const auto* found =
      std::ranges::find_if(kKinds, [bytes](const FileKind& kind) { return bytes.starts_with(kind.begin); });
  return found == std::end(kKinds) ? nullptr : found;
}

}  // namespace lodestone
