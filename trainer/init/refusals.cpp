#include "trainer/init/find.h"

namespace lodestone::init {

namespace {

constexpr const char* kToJpeg =
    "convert the images to JPEG, PNG or WebP, for instance with `magick mogrify -format jpg`";
constexpr const char* kUnpack = "unpack it, and name the folder or file inside";
constexpr const char* kToTable =
    "write a table from it: *.jsonl or *.csv with a column for the text (or for the image's path) and one "
    "for the "
    "class";

constexpr Refusal kRefusals[] = {
    {.ending = ".parquet",
     .name = "a Parquet file",
     .remedy =
         "convert it: python3 -c \"import pandas; pandas.read_parquet('FILE.parquet').to_json('FILE.jsonl', "
         "orient='records', lines=True, force_ascii=False)\""},
    {.ending = ".arrow", .name = "an Arrow file", .remedy = kToTable},
    {.ending = ".feather", .name = "a Feather file", .remedy = kToTable},
    {.ending = ".xlsx", .name = "a spreadsheet", .remedy = "save it as *.csv"},
    {.ending = ".xls", .name = "a spreadsheet", .remedy = "save it as *.csv"},
    {.ending = ".ods", .name = "a spreadsheet", .remedy = "save it as *.csv"},
    {.ending = ".tar.gz",
     .name = "a compressed archive",
     .remedy = "unpack it with `tar -xzf`, or with `gunzip` if it is a shard"},
    {.ending = ".tgz", .name = "a compressed archive", .remedy = "unpack it with `tar -xzf`"},
    {.ending = ".gz", .name = "a compressed file", .remedy = "unpack it with `gunzip -k`"},
    {.ending = ".zip", .name = "a ZIP archive", .remedy = kUnpack},
    {.ending = ".7z", .name = "an archive", .remedy = kUnpack},
    {.ending = ".rar", .name = "an archive", .remedy = kUnpack},
    {.ending = ".bz2", .name = "a compressed file", .remedy = kUnpack},
    {.ending = ".xz", .name = "a compressed file", .remedy = kUnpack},
    {.ending = ".zst", .name = "a compressed file", .remedy = kUnpack},
    {.ending = ".npy",
     .name = "a NumPy array",
     .remedy = "write its images as PNG files in one folder per class"},
    {.ending = ".npz",
     .name = "NumPy arrays",
     .remedy = "write the images as PNG files in one folder per class"},
    {.ending = ".h5",
     .name = "an HDF5 file",
     .remedy = "write the images as PNG files in one folder per class"},
    {.ending = ".hdf5",
     .name = "an HDF5 file",
     .remedy = "write the images as PNG files in one folder per class"},
    {.ending = ".mat",
     .name = "a MATLAB file",
     .remedy = "write the images as PNG files in one folder per class"},
    {.ending = ".pkl", .name = "a pickle, which is never read since it could run code", .remedy = kToTable},
    {.ending = ".pt", .name = "a pickle, which is never read since it could run code", .remedy = kToTable},
    {.ending = ".pth", .name = "a pickle, which is never read since it could run code", .remedy = kToTable},
    {.ending = ".mdb",
     .name = "an LMDB database",
     .remedy = "write the images as PNG files in one folder per class"},
    {.ending = ".tfrecord",
     .name = "a TFRecord file",
     .remedy = "write the images as files, or as tar shards in the WebDataset layout"},
    {.ending = ".db", .name = "a database", .remedy = kToTable},
    {.ending = ".sqlite", .name = "a database", .remedy = kToTable},
    {.ending = ".heic", .name = "a HEIC photograph", .remedy = kToJpeg},
    {.ending = ".heif", .name = "a HEIF photograph", .remedy = kToJpeg},
    {.ending = ".avif", .name = "an AVIF image", .remedy = kToJpeg},
    {.ending = ".bmp", .name = "a BMP image", .remedy = kToJpeg},
    {.ending = ".gif", .name = "a GIF image", .remedy = kToJpeg},
    {.ending = ".tif", .name = "a TIFF image", .remedy = kToJpeg},
    {.ending = ".tiff", .name = "a TIFF image", .remedy = kToJpeg},
    {.ending = ".svg", .name = "a drawing in SVG", .remedy = "render the drawings as PNG"},
    {.ending = ".pdf",
     .name = "a PDF document",
     .remedy = "write its pages as PNG images, or its texts as a table"},
    {.ending = ".mp4", .name = "a video", .remedy = "write its frames as JPEG files in one folder per class"},
    {.ending = ".mov", .name = "a video", .remedy = "write its frames as JPEG files in one folder per class"},
};

}  // namespace

const Refusal* refusal_of(const std::string& name) {
  const std::string small = small_name(name);
  for (const Refusal& row : kRefusals)
    if (small.ends_with(row.ending)) return &row;
  return nullptr;
}

}  // namespace lodestone::init
