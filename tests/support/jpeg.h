#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// clang-format off
#include <jpeglib.h>
// clang-format on

#include "sampler/image.h"

/// JPEG files made by the tests themselves.
namespace lodestone::testing {
using namespace sampler;

struct JpegStyle {
  int quality = 95;
  bool progressive = false;
  bool jfif = true;                           ///< false: without the header that identifies the colour space
  bool arithmetic = false;                    ///< arithmetic codes instead of Huffman codes
  bool separate = false;                      ///< one scan per colour
  int restart = 0;                            ///< rows of blocks between restart markers; 0: no markers
  J_COLOR_SPACE stored = JCS_UNKNOWN;         ///< unknown: YCbCr for colour images
  std::vector<std::pair<int, int>> sampling;  ///< per colour; empty: no subsampling
};

/// Encodes an `image` with 1 channel (grey), 3 (RGB) or 4 (CMYK).
inline std::string jpeg_text(const Image& image, const JpegStyle& style = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : image.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  if (style.stored != JCS_UNKNOWN) jpeg_set_colorspace(&info, style.stored);
  jpeg_set_quality(&info, style.quality, TRUE);
  for (int c = 0; c < info.num_components; ++c) {
    const auto at = static_cast<size_t>(c);
    info.comp_info[c].h_samp_factor = style.sampling.empty() ? 1 : style.sampling[at].first;
    info.comp_info[c].v_samp_factor = style.sampling.empty() ? 1 : style.sampling[at].second;
  }
  if (!style.jfif) info.write_JFIF_header = FALSE;
  info.restart_in_rows = style.restart;
  info.arith_code = style.arithmetic ? TRUE : FALSE;
  std::vector<jpeg_scan_info> scans;
  if (style.separate) {
    for (int c = 0; c < info.num_components; ++c) scans.push_back({1, {c, 0, 0, 0}, 0, 63, 0, 0});
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  if (style.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  const size_t stride = static_cast<size_t>(image.width * image.channels);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPLE*>(image.pixels.data() + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const std::string bytes(reinterpret_cast<char*>(buffer), size);
  std::free(buffer);
  return bytes;
}

/// Offsets of the scans' markers.
inline std::vector<size_t> scans_of(const std::string& jpeg) {
  std::vector<size_t> places;
  for (size_t at = jpeg.find("\xFF\xDA"); at != std::string::npos; at = jpeg.find("\xFF\xDA", at + 2))
    places.push_back(at);
  return places;
}

}  // namespace lodestone::testing
