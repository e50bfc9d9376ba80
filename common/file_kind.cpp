#include "common/file_kind.h"

#include <algorithm>
#include <iterator>

namespace lodestone {

namespace {

constexpr const char* kConvertImage = "; convert it to PNG or JPEG: mogrify -format png FILE, of ImageMagick";

constexpr FileKind kKinds[] = {
    {"\x93NUMPY", "a NumPy array (*.npy)"},
    {"PK\x03\x04", "a ZIP file, as torch.save, torch.jit.save and numpy.savez write it", "", true,
     "; unpack it, and name what is inside"},
    {"\x80\x02", "a pickle", "", true},
    {"\x80\x03", "a pickle", "", true},
    {"\x80\x04", "a pickle", "", true},
    {"\x80\x05", "a pickle", "", true},
    {"version https://git-lfs", "a pointer of Git LFS in the file's place", "; run git lfs pull there"},
    {"\x89HDF", "an HDF5 file"},
    {"GGUF", "a GGUF file", "; use the safetensors that it was made of"},
    {"PAR1", "a Parquet file", "", false,
     "; convert it, with pandas: python3 -c 'import pandas; "
     "pandas.read_parquet(\"IN.parquet\").to_csv(\"OUT.csv\", index=False)'"},
    {"ARROW1", "an Arrow file", "", false,
     "; convert it, with datasets: python3 -c 'import datasets; "
     "datasets.load_from_disk(\"FOLDER\").to_csv(\"OUT.csv\")'"},
    {"\x1f\x8b", "a gzip file", "", false, "; decompress it: gunzip -k FILE"},
    {"BZh", "a bzip2 file", "", false, "; decompress it: bunzip2 -k FILE"},
    {"\xfd"
     "7zXZ",
     "an xz file", "", false, "; decompress it: unxz -k FILE"},
    {"\x28\xb5\x2f\xfd", "a zstd file", "", false, "; decompress it: unzstd FILE"},
    {"BM", "a BMP image", "", false, kConvertImage},
    {{"II*\0", 4}, "a TIFF image", "", false, kConvertImage},
    {{"MM\0*", 4}, "a TIFF image", "", false, kConvertImage},
    {"GIF8", "a GIF image", "", false, kConvertImage},
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

const FileKind* kind_of_no_text(std::string_view bytes) {
  constexpr size_t kLooked = 16;
  const auto is_control = [](char c) { return c >= 0 && c < ' ' && c != '\t' && c != '\r' && c != '\n'; };
  if (std::ranges::none_of(bytes.substr(0, kLooked), is_control)) return nullptr;
  return file_kind(bytes);
}

std::string kind_and_remedy(const FileKind* kind, const std::string& otherwise) {
  if (kind == nullptr) return otherwise;
  return std::string(kind->name) + (*kind->as_data != 0 ? kind->as_data : "; check the path");
}

}  // namespace lodestone
