#include "trainer/search/embedding_writer.h"

#include <charconv>
#include <cstring>

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/choices.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/open_file.h"
#include "common/paths.h"
#include "common/safetensors_plan.h"

namespace lodestone::search {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kPartial = ".partial";

// Names the file that the user named, not the partial one beside it.
[[noreturn]] void fail(fs::path path, const char* action) {
  const int code = errno;
  if (path.extension() == kPartial) path.replace_extension();
  throw IoError(std::string("embeddings: cannot ") + action + " " + path.string() + ": " +
                std::strerror(code) + (code == ENOENT ? "; make its folder first" : ""));
}

void write_all(std::FILE* file, std::string_view bytes, const fs::path& path) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) fail(path, "write");
}

// The header of a matrix of this size, which is never in memory as a whole: one number is expanded to its
// shape.
std::string safetensors_head(const EmbeddingPlan& plan, int64_t rows) {
  return plan_safetensors({{"embeddings", at::empty({1}, at::kFloat).expand({rows, plan.width})}}, plan.about)
      .head;
}

// NumPy's format 1.0: magic, version, length, a Python dict padded so that the data is aligned to 64 bytes.
std::string npy_head(const EmbeddingPlan& plan, int64_t rows) {
  std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                     std::to_string(plan.width) + "), }";
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string head = std::string("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(dict.size() & 0xFF);
  head += static_cast<char>(dict.size() >> 8);
  return head + dict;
}

void append_number(float value, std::string& line) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  line.append(text, end.ptr);
}

std::string json_lines(const float* z, int64_t width, std::span<const EmbeddedRow> rows) {
  std::string lines;
  for (const EmbeddedRow& row : rows) {
    const std::string head = row_line(row);
    lines.append(head, 0, head.size() - 2);  // without the brace and the end of the line
    lines += ",\"embedding\":[";
    for (int64_t d = 0; d < width; ++d, ++z) {
      if (d > 0) lines += ',';
      append_number(*z, lines);
    }
    lines += "]}\n";
  }
  return lines;
}

std::FILE* open_stream(const fs::path& path, int flags, const char* mode) {
  const int fd = open_regular(path, flags);
  std::FILE* file = fd < 0 ? nullptr : ::fdopen(fd, mode);
  if (fd >= 0 && !file) ::close(fd);
  return file;
}

std::FILE* reopen(const fs::path& path, int64_t bytes) {
  if (bytes < 0 || static_cast<int64_t>(size_of_file(path).value_or(0)) < bytes) return nullptr;
  std::error_code error;
  fs::resize_file(path, static_cast<uintmax_t>(bytes), error);
  return error ? nullptr : open_stream(path, O_WRONLY | O_APPEND, "ab");
}

std::FILE* make(const fs::path& path) {
  std::FILE* file = open_stream(path, O_WRONLY | O_CREAT | O_TRUNC, "wb");
  if (!file) fail(path, "create");
  return file;
}

int64_t durable_size(std::FILE* file, const fs::path& path) {
  if (std::fflush(file) != 0 || ::fsync(::fileno(file)) != 0) fail(path, "write");
  return static_cast<int64_t>(size_of_file(path).value_or(0));
}

}  // namespace

struct EmbeddingFormat {
  const char* name;  ///< of files
  /// The header for this number of rows. Null: each row is a line that holds id and label too, so that there
  /// is no second file with those.
  std::string (*head)(const EmbeddingPlan& plan, int64_t rows) = nullptr;
  size_t prefix = 0;  ///< bytes before the header's text; the last `length_bytes` of them are its length
  size_t length_bytes = 0;
  size_t suffix = 0;  ///< bytes that end the header

  bool has_ending(const std::filesystem::path& path) const { return path.extension() == name + 1; }
  /// The header for fewer rows, as long as the one that it replaces: blanks may pad the text of either.
  std::string padded(std::string shorter, size_t size) const {
    const size_t text = size - prefix;
    shorter.insert(shorter.size() - suffix, size - shorter.size(), ' ');
    for (size_t i = 0; i < length_bytes; ++i)
      shorter[prefix - length_bytes + i] = static_cast<char>(text >> (8 * i));
    return shorter;
  }
};

namespace {

constexpr EmbeddingFormat kFormats[] = {
    {.name = "*.safetensors", .head = safetensors_head, .prefix = 8, .length_bytes = 8, .suffix = 0},
    {.name = "*.npy", .head = npy_head, .prefix = 10, .length_bytes = 2, .suffix = 1},
    {.name = "*.jsonl"},
};

const EmbeddingFormat& format_of(const fs::path& output) {
  for (const EmbeddingFormat& format : kFormats)
    if (format.has_ending(output)) return format;
  throw ConfigError("embeddings: expected an output named " + embedding_file_names() + ", got " +
                    output.string());
}

}  // namespace

std::string embedding_file_names() {
  return names_that(std::span<const EmbeddingFormat>(kFormats), [](const EmbeddingFormat&) { return true; });
}

EmbeddingWriter::EmbeddingWriter(EmbeddingPlan plan)
    : plan_(std::move(plan)), format_(&format_of(plan_.output)) {
  if (path_exists(plan_.output) && !is_file(plan_.output))
    throw ConfigError("embeddings: expected an ordinary file or a free name as output, got " +
                      plan_.output.string() + ", a folder, FIFO or device; name another file");
  partial_ = plan_.output.string() + kPartial;
  rows_partial_ = rows_beside(plan_.output).string() + kPartial;
  place_ = plan_.output.string() + ".place";
  if (!resume()) begin();
}

std::string EmbeddingWriter::plan_text() const {
  return json_text(
      Json{{"rows", plan_.rows}, {"width", plan_.width}, {"input", plan_.input}, {"about", plan_.about}});
}

bool EmbeddingWriter::resume() {
  if (!path_exists(place_)) return false;
  const Json place = read_json(read_file(place_)).value_or(nullptr);
  const auto count = [&place](const char* key) {
    const auto found = place.find(key);
    return found != place.end() && found->is_number_unsigned() ? found->get<int64_t>() : int64_t{-1};
  };
  if (!place.is_object() || !place.contains("plan") || place["plan"] != plan_text()) return false;
  file_.reset(reopen(partial_, count("bytes")));
  if (format_->head) rows_file_.reset(reopen(rows_partial_, count("row_bytes")));
  if (!file_ || (format_->head && !rows_file_)) return false;
  done_ = count("done");
  left_out_ = count("left_out");
  return done_ >= 0 && left_out_ >= 0;
}

void EmbeddingWriter::begin() {
  std::error_code ignored;
  fs::remove(place_, ignored);
  file_.reset(make(partial_));
  if (format_->head) rows_file_.reset(make(rows_partial_));
  write_all(file_.get(), head(plan_.rows), partial_);
  done_ = left_out_ = 0;
}

std::string EmbeddingWriter::head(int64_t rows) const {
  return format_->head ? format_->head(plan_, rows) : "";
}

void EmbeddingWriter::append(const at::Tensor& z_nD, std::span<const EmbeddedRow> rows, int64_t left_out) {
  const float* z = z_nD.const_data_ptr<float>();
  if (!format_->head) {
    write_all(file_.get(), json_lines(z, plan_.width, rows), partial_);
  } else {
    write_all(file_.get(), {reinterpret_cast<const char*>(z), z_nD.nbytes()}, partial_);
    std::string lines;
    for (const EmbeddedRow& row : rows) lines += row_line(row);
    write_all(rows_file_.get(), lines, rows_partial_);
  }
  done_ += static_cast<int64_t>(rows.size()) + left_out;
  left_out_ += left_out;
}

void EmbeddingWriter::save_place() {
  Json place = {{"plan", plan_text()},
                {"done", done_},
                {"left_out", left_out_},
                {"bytes", durable_size(file_.get(), partial_)}};
  if (rows_file_) place["row_bytes"] = durable_size(rows_file_.get(), rows_partial_);
  write_file_atomic(place_, json_text(place));
}

// In place, since many rows may follow it.
void EmbeddingWriter::write_head_of_rows_left() const {
  const std::string old = head(plan_.rows);
  const File file(open_stream(partial_, O_RDWR, "r+b"));
  if (!file) fail(partial_, "open");
  write_all(file.get(), format_->padded(head(plan_.rows - left_out_), old.size()), partial_);
  durable_size(file.get(), partial_);
}

void EmbeddingWriter::finish() {
  save_place();
  if (left_out_ > 0 && format_->head) write_head_of_rows_left();
  if (rows_file_) rename_synced(rows_partial_, rows_beside(plan_.output));
  rename_synced(partial_, plan_.output);
  std::error_code ignored;
  fs::remove(place_, ignored);
}

}  // namespace lodestone::search
