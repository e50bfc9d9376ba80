#include "trainer/coordinator/metrics/sample_view.h"

#include <algorithm>

#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include "common/error.h"
#include "common/utf8.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/coordinator/metrics/embedding_view.h"
#include "trainer/eval/projection.h"
#include "trainer/report/html.h"

namespace lodestone::coordinator {

namespace {

constexpr int kPixels = 96;
constexpr size_t kTextBytes = 300;
constexpr int64_t kRows = 256, kTriplets = 6;

std::string class_of(const sampler::Dataset& data, int64_t index) {
  const int64_t label = data.label(index);
  return label >= 0 && label < data.classes() ? data.class_name(label) : data.key(index);
}

}  // namespace

LiveSample view_sample(const sampler::Examples& examples, int64_t index) {
  LiveSample sample{class_of(*examples.dataset(), index), "", ""};
  try {
    const sampler::ShownSample shown = examples.shown(index);
    sample.text = beginning(shown.text, kTextBytes);
    if (shown.image)
      sample.image = "data:image/webp;base64," + report::base64(sampler::thumbnail_of(*shown.image, kPixels));
  } catch (const Error&) {
    sample.label += " (can't be read)";
  }
  return sample;
}

LiveEmbeddings view_embeddings(const sampler::Examples& examples, int64_t step, const at::Tensor& z_bD,
                               const std::vector<int64_t>& groups, const std::vector<int64_t>& indices) {
  const auto rows = static_cast<int64_t>(indices.size());
  const int64_t stride = std::max<int64_t>((rows + kRows - 1) / kRows, 1);
  std::vector<int64_t> chosen, group_n;
  for (int64_t i = 0; i < rows; i += stride) {
    chosen.push_back(i);
    group_n.push_back(groups[static_cast<size_t>(i)]);
  }
  const auto data = examples.dataset();
  LiveEmbeddings shown{step, {}, {}};
  if (chosen.empty()) return shown;
  const at::Tensor z_nD = z_bD.detach().cpu().index_select(
      0, at::from_blob(chosen.data(), {static_cast<int64_t>(chosen.size())}, at::kLong));
  const at::Tensor plane_n2 = eval::project_to_plane(z_nD);
  const double* plane = plane_n2.const_data_ptr<double>();
  const auto index_of = [&](int64_t n) {
    return indices[static_cast<size_t>(chosen[static_cast<size_t>(n)])];
  };
  for (int64_t n = 0; n < static_cast<int64_t>(chosen.size()); ++n)
    shown.points.push_back(
        {plane[2 * n], plane[2 * n + 1], group_n[static_cast<size_t>(n)], class_of(*data, index_of(n))});
  for (const HardTriplet& hard : hardest_triplets(z_nD, group_n, kTriplets))
    shown.triplets.push_back({view_sample(examples, index_of(hard.anchor)),
                              view_sample(examples, index_of(hard.positive)),
                              view_sample(examples, index_of(hard.negative)), hard.violation});
  return shown;
}

}  // namespace lodestone::coordinator
