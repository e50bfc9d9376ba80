#include <algorithm>
#include <csetjmp>
#include <cstdio>

// clang-format off
#include <jpeglib.h>
#include <jerror.h>  // its numbers depend on what jpeglib.h defines
// clang-format on

#include "common/error.h"
#include "sampler/codecs/decode_formats.h"
#include "sampler/codecs/orientation.h"

namespace lodestone::sampler {

namespace {

constexpr int kMaxScans = 500;         // otherwise a small progressive file could cause hours of work
constexpr int64_t kMaxReduction = 16;  // decoding at reduced size still takes time for the full size

/// What a warning of libjpeg means for the pixels.
enum class Finding { kOdd, kEnd, kDamage };

// By the warning's code: its texts are for people and differ between versions.
Finding finding(int code) {
  switch (code) {
    case JWRN_ADOBE_XFORM:      // a colour transform that nobody knows is taken for the usual one
    case JWRN_EXTRANEOUS_DATA:  // bytes between segments
    case JWRN_JFIF_MAJOR:       // version 2
    case JWRN_NOT_SEQUENTIAL:   // scan parameters without a meaning here; phones write zeros
      return Finding::kOdd;
    case JWRN_JPEG_EOF:
      return Finding::kEnd;
    default:
      return Finding::kDamage;
  }
}

/// The divisor of the smallest scale (1/8, 1/4, 1/2, 1) that keeps both sides at `at_least` or more.
unsigned divisor_for(unsigned width, unsigned height, int at_least) {
  unsigned best = 1;
  if (at_least <= 0) return best;
  for (const unsigned divisor : {2U, 4U, 8U})
    if ((std::min(width, height) + divisor - 1) / divisor >= static_cast<unsigned>(at_least)) best = divisor;
  return best;
}

/// libjpeg with our own error manager: errors and damage end a step, harmless warnings do not. longjmp leaves
/// the steps, so they have no object with a destructor.
class Decompressor {
 public:
  explicit Decompressor(std::span<const std::byte> data) : data_(data) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { of(info).leave(); };
    errors_.emit_message = [](j_common_ptr info, int level) { of(info).handle_message(level); };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr info) { of(info).count_scans(); };
  }
  ~Decompressor() { jpeg_destroy_decompress(&info_); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  const jpeg_decompress_struct& info() const { return info_; }
  bool has_several_scans() { return jpeg_has_multiple_scans(&info_) != FALSE; }
  /// Why a step returned false.
  const char* reason() const { return reason_; }

  /// Reads sizes and colours from the header.
  bool open(const DecodeOptions& options) {
    if (setjmp(left_) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(data_.data()), data_.size());
    jpeg_read_header(&info_, TRUE);
    const bool cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    info_.out_color_space = cmyk ? JCS_CMYK : options.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    info_.scale_num = 1;
    info_.scale_denom = divisor_for(info_.image_width, info_.image_height, options.at_least);
    jpeg_calc_output_dimensions(&info_);
    return true;
  }

  /// Decodes the pixels. Requires room for output_height rows of output_width pixels.
  bool read(uint8_t* pixels) {
    if (setjmp(left_) != 0) return false;
    jpeg_start_decompress(&info_);
    check_scans();
    const size_t stride = size_t{info_.output_width} * static_cast<size_t>(info_.output_components);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

 private:
  static Decompressor& of(j_common_ptr info) { return *static_cast<Decompressor*>(info->client_data); }

  [[noreturn]] void leave() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), reason_);
    std::longjmp(left_, 1);
  }

  [[noreturn]] void leave(const char* reason) {
    std::snprintf(reason_, sizeof(reason_), "%s", reason);
    std::longjmp(left_, 1);
  }

  void handle_message(int level) {
    if (level >= 0) return;  // no warning
    const Finding found = finding(errors_.msg_code);
    ended_ = ended_ || found == Finding::kEnd;
    // After truncated Huffman codes a second warning follows; truncated arithmetic codes are filled with
    // zeros without another warning.
    if (found == Finding::kDamage || (found == Finding::kEnd && info_.arith_code)) leave();
  }

  void count_scans() {
    if (info_.input_scan_number > kMaxScans) leave("more than 500 scans");
  }

  // A file of several scans may end between two of them without a warning: then a colour or its finer parts
  // are missing. Only the end mark may be missing.
  void check_scans() {
    if (!has_several_scans()) return;
    for (int c = 0; c < info_.num_components; ++c) {
      if (info_.comp_info[c].quant_table == nullptr) leave("no scan of one of its colours");
      if (!ended_ || info_.coef_bits == nullptr) continue;
      const int* missing_bits = info_.coef_bits[c];
      if (std::any_of(missing_bits, missing_bits + DCTSIZE2, [](int bits) { return bits != 0; }))
        leave("the end of the file before the last scan");
    }
  }

  std::span<const std::byte> data_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf left_;
  bool ended_ = false;
  char reason_[JMSG_LENGTH_MAX] = "";
};

// CMYK as Adobe writes it: inverted, so that 255 is no ink.
Image from_cmyk(const std::vector<uint8_t>& cmyk, int width, int height, int channels) {
  Image image(width, height, channels);
  uint8_t* out = image.pixels.data();
  for (size_t p = 0; p < cmyk.size(); p += 4) {
    int colour[3];
    for (size_t c = 0; c < 3; ++c) colour[c] = cmyk[p + c] * cmyk[p + 3] / 255;
    if (channels == 1) {
      *out++ = luma(colour[0], colour[1], colour[2]);
    } else {
      for (int value : colour) *out++ = static_cast<uint8_t>(value);
    }
  }
  return image;
}

// The decoded image may have max_pixels. Several scans are kept in memory at full size; otherwise a large
// image costs only time.
void check_sizes(const jpeg_decompress_struct& info, bool several_scans, const DecodeOptions& options,
                 std::string_view where) {
  check_size(info.output_width, info.output_height, options, where);
  DecodeOptions whole = options;
  if (!several_scans) whole.max_pixels *= kMaxReduction;
  check_size(info.image_width, info.image_height, whole, where);
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where) {
  Decompressor jpeg(data);
  const auto refuse = [&](const char* step) {
    throw DataError("image: expected a valid JPEG, got '" + std::string(jpeg.reason()) + "' while " + step +
                    " " + std::string(where) + "; replace or remove this image");
  };
  if (!jpeg.open(options)) refuse("reading the header of");
  const jpeg_decompress_struct& info = jpeg.info();
  check_sizes(info, jpeg.has_several_scans(), options, where);
  const auto width = static_cast<int>(info.output_width), height = static_cast<int>(info.output_height);
  const bool cmyk = info.out_color_space == JCS_CMYK;
  Image image(width, height, cmyk ? 4 : options.channels);
  if (!jpeg.read(image.pixels.data())) refuse("decoding");
  if (cmyk) image = from_cmyk(image.pixels, width, height, options.channels);
  return oriented(std::move(image), exif_orientation(exif_of_jpeg(data)));
}

}  // namespace lodestone::sampler
