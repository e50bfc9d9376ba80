#include "trainer/encoders/row_check.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/nan_to_num.h>

#include "common/error.h"
#include "common/torch_error.h"
#include "trainer/encoders/synthetic_rows.h"

namespace lodestone::encoders {

namespace {

using Embed = std::function<at::Tensor(const Features&)>;

constexpr int64_t kRows = 3, kLength = 6;
constexpr double kSame = 1e-5, kRounding = 1e-3, kCoarseRounding = 5e-2;

// The difference relative to the largest number; NaN in both counts as equal.
bool differs(const at::Tensor& a, const at::Tensor& b, const at::Tensor& all, double tolerance) {
  if (a.numel() == 0) return false;
  if (!at::equal(a.isfinite(), b.isfinite())) return true;
  const at::Tensor largest = at::nan_to_num(all, 0.0, 0.0, 0.0).abs().max();
  return (at::nan_to_num(a - b, 0.0, 0.0, 0.0).abs() > tolerance * largest).any().item<bool>();
}

at::Tensor tried(const Embed& embed, const ForeignModel& model, const Features& x, const char* what) {
  at::Tensor z_nD;
  try {
    z_nD = embed(x);
  } catch (const std::exception& error) {
    throw ConfigError(std::string(model.encoder) +
                      ": expected a model with forward(pixels) or forward(tokens, mask) that takes " +
                      std::string(what) + " of the configured data, got: " + torch_reason(error));
  }
  if (z_nD.dim() != 2 || z_nD.size(0) != x.rows() || z_nD.size(1) < 1)
    throw ConfigError(
        std::string(model.encoder) + ": expected a row of numbers for each of " + std::to_string(x.rows()) +
        " examples, got a tensor of " + std::to_string(z_nD.dim()) + " dimensions" +
        (z_nD.dim() > 0 ? " and " + std::to_string(z_nD.size(0)) + " rows" : "") + "; return [rows, width]");
  return z_nD;
}

// Row i alone; the first `length` tokens of a text.
Features alone(const Features& x, int64_t i, int64_t length) {
  Features row;
  if (x.pixels_nCHW.defined()) row.pixels_nCHW = x.pixels_nCHW.narrow(0, i, 1);
  if (!x.tokens_nT.defined()) return row;
  row.tokens_nT = x.tokens_nT.narrow(0, i, 1).narrow(1, 0, length);
  row.mask_nT = x.mask_nT.narrow(0, i, 1).narrow(1, 0, length);
  return row;
}

}  // namespace

int64_t check_rows(const Embed& embed, const InputShape& input, bool coarse, const ForeignModel& model) {
  const bool texts = input.vocabulary > 0;
  const int64_t length = std::clamp<int64_t>(input.max_tokens, 1, kLength);
  const Features x = texts ? synthetic_texts(input, kRows, length) : synthetic_images(input, kRows);
  const double tolerance = coarse ? kCoarseRounding : kRounding;
  const at::Tensor one_1D = tried(embed, model, alone(x, 0, length), "one row"),
                   z_nD = tried(embed, model, x, "any number of rows");
  if (differs(tried(embed, model, x, "any number of rows"), z_nD, z_nD, kSame))
    throw ConfigError(
        std::string(model.encoder) +
        ": expected a model that embeds the same rows equally each time in eval(), got one whose "
        "embeddings are random" +
        std::string(model.remedy));
  for (int64_t i = 0; i < kRows; ++i) {
    const at::Tensor own_1D = z_nD.narrow(0, i, 1);
    if (differs(i == 0 ? one_1D : tried(embed, model, alone(x, i, length), "one row"), own_1D, z_nD,
                tolerance))
      throw ConfigError(
          std::string(model.encoder) +
          ": expected a model that embeds a row equally alone and among others in eval(), got one "
          "whose rows depend on each other" +
          std::string(model.remedy));
    const int64_t tokens = std::min(i + 1, length);  // as synthetic_texts makes them
    if (texts && differs(tried(embed, model, alone(x, i, tokens), "shorter texts"), own_1D, z_nD, tolerance))
      throw ConfigError(
          std::string(model.encoder) +
          ": expected a model that embeds a text equally with padding after it, got one that uses "
          "the padding, so that an embedding would depend on the lengths of the other texts of its batch; "
          "ignore tokens where mask is false");
  }
  return z_nD.size(1);
}

}  // namespace lodestone::encoders
