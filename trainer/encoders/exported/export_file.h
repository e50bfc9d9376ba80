#pragma once

#include <map>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace lodestone::encoders::exported {

/// The entries of a file that torch.export.save or package_pt2 wrote: a ZIP archive of one folder, without
/// compression, with one or several programs. It is untrusted: an entry that claims more bytes than the file
/// has, or is compressed, is refused before memory is allocated for it.
/// Cost      memory of the file's size
class ExportFile {
 public:
  /// `bytes` are the file's. Throws DataError naming the file if they are no such archive.
  ExportFile(std::string file, std::string_view bytes);

  bool has(const std::string& entry) const { return entries_.contains(entry); }
  /// The program of this name; of an empty one, the only program. Throws ConfigError naming the programs that
  /// the file has if there is none, or more than one.
  std::string program(const std::string& wanted) const;
  /// The bytes of all entries.
  int64_t size() const;
  /// The bytes of an entry, as "models/model.json" below the archive's folder; uint8, on the CPU. Throws
  /// DataError if there is no such entry.
  const at::Tensor& bytes(const std::string& entry) const;
  std::string_view text(const std::string& entry) const;
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  std::map<std::string, at::Tensor> entries_;
};

}  // namespace lodestone::encoders::exported
