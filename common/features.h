#pragma once

#include <cstdint>
#include <utility>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// The encoder's input for b rows: images, texts, or a mixture.
/// Shapes    pixels_nCHW: the rows that are images, in row order; float32 or the run's type; undefined if no
///           row can be an image.
///           tokens_nT: the rows that are texts, in row order; int64 ids, padded on the right; undefined if
///           no row can be a text.
///           mask_nT: bool, true at tokens and false at padding; defined where tokens_nT is.
///           is_text_b: bool, on the CPU: which rows are texts; undefined where all rows are of the one
///           defined kind.
/// Owns      handles of the tensors: copies are cheap and share them.
struct Features {
  at::Tensor pixels_nCHW;
  at::Tensor tokens_nT;
  at::Tensor mask_nT;
  at::Tensor is_text_b;

  Features() = default;
  /// Images only. Implicit, since most encoders take nothing else.
  Features(at::Tensor pixels) : pixels_nCHW(std::move(pixels)) {}
  /// Texts only.
  Features(at::Tensor tokens, at::Tensor mask) : tokens_nT(std::move(tokens)), mask_nT(std::move(mask)) {}

  /// The number of rows, b.
  int64_t rows() const {
    if (is_text_b.defined()) return is_text_b.size(0);
    if (tokens_nT.defined()) return tokens_nT.size(0);
    return pixels_nCHW.defined() ? pixels_nCHW.size(0) : 0;
  }

  at::Device device() const { return pixels_nCHW.defined() ? pixels_nCHW.device() : tokens_nT.device(); }

  /// Rows [begin, begin + size), as views.
  Features narrow(int64_t begin, int64_t size) const {
    Features part;
    int64_t text_begin = begin, text_size = size;
    if (is_text_b.defined()) {
      part.is_text_b = is_text_b.narrow(0, begin, size);
      text_begin = is_text_b.narrow(0, 0, begin).sum().item<int64_t>();
      text_size = part.is_text_b.sum().item<int64_t>();
      begin -= text_begin;
      size -= text_size;
    }
    if (pixels_nCHW.defined()) part.pixels_nCHW = pixels_nCHW.narrow(0, begin, size);
    if (tokens_nT.defined()) {
      part.tokens_nT = tokens_nT.narrow(0, text_begin, text_size);
      part.mask_nT = mask_nT.narrow(0, text_begin, text_size);
    }
    return part;
  }

  /// Copies everything except is_text_b to `device`; from pinned memory, without waiting for the copy.
  Features to(at::Device device) const {
    Features moved = *this;
    for (at::Tensor* x : {&moved.pixels_nCHW, &moved.tokens_nT, &moved.mask_nT})
      if (x->defined()) *x = x->to(device, x->scalar_type(), /*non_blocking=*/true);
    return moved;
  }

  /// Everything except is_text_b in page-locked memory, from which a GPU copies asynchronously. Requires
  /// CUDA.
  Features pinned() const {
    Features moved = *this;
    for (at::Tensor* x : {&moved.pixels_nCHW, &moved.tokens_nT, &moved.mask_nT})
      if (x->defined()) *x = x->pin_memory();
    return moved;
  }

  /// Converts the pixels to another floating-point type.
  Features to(at::ScalarType type) const {
    Features changed = *this;
    if (pixels_nCHW.defined()) changed.pixels_nCHW = pixels_nCHW.to(type);
    return changed;
  }
};

}  // namespace lodestone
