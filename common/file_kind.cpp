#include "common/file_kind.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace lodestone {

namespace {

constexpr const char* kToImages = "; convert it to PNG or JPEG: mogrify -format png FILE, of ImageMagick";
constexpr const char* kUnpack = "; unpack it, and name what is inside";
constexpr const char* kToTable =
    "; write a table from it: *.jsonl or *.csv with a column for the text (or the image's path) and one for "
    "the class";
constexpr const char* kToFolders = "; write the images as PNG files in one folder for each class";
constexpr const char* kToFrames = "; write its frames as JPEG files in one folder for each class";
constexpr const char* kSheet = "; save it as *.csv";

constexpr FileKind kKinds[] = {
    {.begin = "\x93NUMPY", .name = "a NumPy array (*.npy)", .as_data = kToFolders, .endings = ".npy .npz"},
    {.begin = "PK\x03\x04",
     .name = "a ZIP file, as torch.save, torch.jit.save and numpy.savez write it",
     .is_pickle = true,
     .as_data = kUnpack,
     .endings = ".zip"},
    {.begin = "\x80\x02", .name = "a pickle", .is_pickle = true},
    {.begin = "\x80\x03", .name = "a pickle", .is_pickle = true},
    {.begin = "\x80\x04", .name = "a pickle", .is_pickle = true},
    {.begin = "\x80\x05", .name = "a pickle", .is_pickle = true},
    {.name = "a pickle, which is never read as data since it could run code",
     .is_pickle = true,
     .as_data = kToTable,
     .endings = ".pkl .pt .pth"},
    {.begin = "version https://git-lfs",
     .name = "a pointer of Git LFS in the file's place",
     .remedy = "; run git lfs pull there"},
    {.begin = "\x89HDF", .name = "an HDF5 file", .as_data = kToFolders, .endings = ".h5 .hdf5"},
    {.begin = "GGUF", .name = "a GGUF file", .remedy = "; use the safetensors that it was made of"},
    {.begin = "PAR1",
     .name = "a Parquet file",
     .as_data = "; convert it, with pandas: python3 -c 'import pandas; "
                "pandas.read_parquet(\"IN.parquet\").to_json(\"OUT.jsonl\", orient=\"records\", lines=True, "
                "force_ascii=False)'",
     .endings = ".parquet"},
    {.begin = "ARROW1",
     .name = "an Arrow file",
     .as_data = "; convert it, with datasets: python3 -c 'import datasets; "
                "datasets.load_from_disk(\"FOLDER\").to_csv(\"OUT.csv\")'",
     .endings = ".arrow .feather"},
    {.name = "a compressed archive",
     .as_data = "; unpack it with tar -xf, or with gunzip if it is a shard",
     .endings = ".tar.gz .tgz .tar.bz2 .tar.xz .tar.zst"},
    {.begin = "\x1f\x8b",
     .name = "a gzip file",
     .as_data = "; decompress it: gunzip -k FILE",
     .endings = ".gz"},
    {.begin = "BZh",
     .name = "a bzip2 file",
     .as_data = "; decompress it: bunzip2 -k FILE",
     .endings = ".bz2"},
    {.begin = "\xfd"
              "7zXZ",
     .name = "an xz file",
     .as_data = "; decompress it: unxz -k FILE",
     .endings = ".xz"},
    {.begin = "\x28\xb5\x2f\xfd",
     .name = "a zstd file",
     .as_data = "; decompress it: unzstd FILE",
     .endings = ".zst"},
    {.name = "an archive", .as_data = kUnpack, .endings = ".7z .rar"},
    {.name = "a spreadsheet", .as_data = kSheet, .endings = ".xlsx .xls .ods"},
    {.name = "a database", .as_data = kToTable, .endings = ".db .sqlite"},
    {.name = "an LMDB database", .as_data = kToFolders, .endings = ".mdb"},
    {.name = "a MATLAB file", .as_data = kToFolders, .endings = ".mat"},
    {.name = "a TFRecord file",
     .as_data = "; write the images as files, or as tar shards in the WebDataset layout",
     .endings = ".tfrecord"},
    {.begin = "BM", .name = "a BMP image", .as_data = kToImages, .endings = ".bmp"},
    {.begin = {"II*\0", 4}, .name = "a TIFF image", .as_data = kToImages, .endings = ".tif .tiff"},
    {.begin = {"MM\0*", 4}, .name = "a TIFF image", .as_data = kToImages},
    {.begin = "GIF8", .name = "a GIF image", .as_data = kToImages, .endings = ".gif"},
    {.name = "a HEIC photograph", .as_data = kToImages, .endings = ".heic .heif"},
    {.name = "an AVIF image", .as_data = kToImages, .endings = ".avif"},
    {.name = "a drawing in SVG", .as_data = "; render it as PNG", .endings = ".svg"},
    {.name = "a video", .as_data = kToFrames, .endings = ".mp4 .mov"},
    {.begin = "\x89PNG", .name = "a PNG image"},
    {.begin = "\xff\xd8\xff", .name = "a JPEG image"},
    {.begin = "RIFF", .name = "a WebP image or another RIFF file"},
    {.begin = "%PDF",
     .name = "a PDF file",
     .as_data = "; write its pages as PNG images, or its texts as a table",
     .endings = ".pdf"},
    {.begin = "<", .name = "a web page", .remedy = "; fetch the file itself"},
    {.begin = "{", .name = "a text in JSON"},
    {.begin = "[", .name = "a text in JSON"},
};

// Whether a small name has one of these endings, which spaces separate.
bool has_ending(std::string_view name, std::string_view endings) {
  while (!endings.empty()) {
    const size_t end = std::min(endings.find(' '), endings.size());
    if (name.ends_with(endings.substr(0, end))) return true;
    endings.remove_prefix(std::min(end + 1, endings.size()));
  }
  return false;
}

// Safetensors begin with the length of their header, whose bytes may be any.
bool may_be_safetensors(std::string_view bytes) {
  return bytes.size() > 8 && bytes[8] == '{';
}

}  // namespace

const FileKind* file_kind(std::string_view bytes) {
  if (may_be_safetensors(bytes)) return nullptr;
  const auto* found = std::ranges::find_if(
      kKinds, [bytes](const FileKind& kind) { return !kind.begin.empty() && bytes.starts_with(kind.begin); });
  return found == std::end(kKinds) ? nullptr : found;
}

const FileKind* kind_of_name(std::string_view name) {
  std::string small(name);
  std::ranges::transform(small, small.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto* found =
      std::ranges::find_if(kKinds, [&](const FileKind& kind) { return has_ending(small, kind.endings); });
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
