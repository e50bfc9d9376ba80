#include "trainer/coordinator/metrics/event_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "common/files.h"
#include "common/open_file.h"

namespace lodestone::coordinator {

namespace {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <typename Value>
std::string raw(Value value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Wire types of protocol buffers: a varint, eight bytes, bytes with their length, four bytes.
enum Wire : uint64_t { kVarint = 0, kDouble = 1, kBytes = 2, kFloat = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string key(uint64_t field, Wire wire) {
  return varint(field << 3 | wire);
}

std::string bytes_field(uint64_t field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

// Event: 1 wall_time, 2 step, 3 file_version, 5 summary. Summary: 1 value. Value: 1 tag, 2 simple_value.
std::string event_head(int64_t step) {
  return key(1, kDouble) + raw(unix_seconds()) + key(2, kVarint) + varint(static_cast<uint64_t>(step));
}

// CRC-32C (Castagnoli), reflected, one byte at a time: a record has a few hundred bytes, and no library of
// the distribution computes it.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
    table[i] = crc;
  }
  return table;
}();

// The mask keeps the checksum strong for data that contains checksums.
std::string checksum_of(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ crc >> 8;
  crc = ~crc;
  return raw(std::rotr(crc, 15) + 0xa282ead8U);
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& folder, Warn warn) : warn_(std::move(warn)) {
  make_folders(folder);
  const auto seconds = static_cast<int64_t>(unix_seconds());
  // A unique name, since TensorBoard reads all files of a folder as one run, in the order of their names.
  path_ = folder /
          ("events.out.tfevents." + std::to_string(seconds) + ".lodestone." + std::to_string(::getpid()));
  fd_ = open_regular(path_, O_WRONLY | O_CREAT | O_APPEND);
  if (fd_ < 0)
    throw IoError("event file: expected to create " + path_.string() +
                  ", got: " + std::generic_category().message(errno) +
                  "; make room or give permission, or leave tensorboard out of "
                  "report_to");
  write_record(event_head(0) + bytes_field(3, "brain.Event:2"));
}

EventFile::~EventFile() {
  if (fd_ >= 0) ::close(fd_);
}

void EventFile::add(int64_t step, const std::vector<EventScalar>& scalars) {
  std::string summary;
  for (const auto& scalar : scalars)
    summary +=
        bytes_field(1, bytes_field(1, scalar.tag) + key(2, kFloat) + raw(static_cast<float>(scalar.value)));
  write_record(event_head(step) + bytes_field(5, summary));
}

void EventFile::write_record(std::string_view event) {
  const std::string length = raw(static_cast<uint64_t>(event.size()));
  const std::string record = length + checksum_of(length) + std::string(event) + checksum_of(event);
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  size_t written = 0;
  while (written < record.size()) {
    const ssize_t count = ::write(fd_, record.data() + written, record.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const std::string reason = std::generic_category().message(errno);
      // A partial record would make all later records unreadable.
      if (::ftruncate(fd_, before) == 0 && !warned_ && warn_)
        warn_("records for TensorBoard are lost: " + path_.string() + ": " + reason);
      warned_ = true;
      return;
    }
    written += static_cast<size_t>(count);
  }
}

}  // namespace lodestone::coordinator
