#include <algorithm>
#include <vector>

#include "common/error.h"
#include "common/text_format.h"
#include "trainer/data_view/sample_sheets.h"
#include "trainer/data_view/tiles.h"
#include "trainer/run/data_kinds/text_data.h"

namespace lodestone::data_view {

namespace {

constexpr int64_t kRows = 24, kImages = 6, kDraws = 7;

/// The rows of a batch that could be read.
struct Rows {
  std::vector<std::string> names;
  std::vector<int64_t> units;  ///< the pair, triplet or row of texts that a row belongs to
  Features features;
};

class BatchSheet {
 public:
  BatchSheet(const run::RunConfig& config, const run::TrainingData& data)
      : config_(config), data_(data), batch_(data_.sampler->batch({})) {
    if (config.data.kind->reads_texts()) rule_ = run::token_rule(config.data);
  }

  std::string html() const {
    const bool images = config_.data.kind->reads_images();
    const Rows rows = first_rows();
    const std::string html = fill(
        "<p class=\"note\">The first {} of {} rows of the first batch, as {} of this run make "
        "them{}.</p>\n{}",
        {std::to_string(count()), std::to_string(batch_.rows()),
         images ? "sampler and augmentation" : "sampler and tokenizer",
         images ? "; mean and std are undone" : "", batch_.unit > 1 ? by_unit(rows) : side_by_side(rows)});
    return images ? html + draws() : html;
  }

 private:
  int64_t count() const {
    const int64_t rows = std::min(kRows, batch_.rows());
    return rows - rows % batch_.unit;
  }

  std::string name_of(int64_t row) const {
    const sampler::Dataset& data = *data_.dataset();
    const int64_t i = batch_.samples[static_cast<size_t>(row)];
    return config_.data.kind->has_classes(config_.data) ? data.class_name(data.label(i)) : data.key(i);
  }

  Rows first_rows() const {
    Rows rows;
    const auto builder = data_.examples->builder(count());
    for (int64_t row = 0; row < count(); ++row) try {
        const auto at = static_cast<size_t>(row);
        builder->add(batch_.samples[at],
                     {batch_.cursor.epoch, batch_.cursor.position, batch_.views[at], true});
        rows.names.push_back(name_of(row));
        rows.units.push_back(row / batch_.unit);
      } catch (const DataError&) {  // the sheet of samples shows the error
      }
    rows.features = builder->finish();
    return rows;
  }

  /// Images and texts of some rows as HTML.
  struct Drawn {
    std::string images, texts;
  };

  // Each row in turn; `visit` gets it as HTML, with the row's number.
  template <typename Visit>
  void for_each_drawn(const Rows& rows, const Visit& visit) const {
    const Features& features = rows.features;
    int64_t image = 0, text = 0;
    for (size_t row = 0; row < rows.names.size(); ++row) {
      const std::string& name = rows.names[row];
      const bool is_text = features.is_text_b.defined()
                               ? features.is_text_b[static_cast<int64_t>(row)].item<bool>()
                               : features.tokens_nT.defined();
      if (is_text)
        visit(row, Drawn{"", "<div class=\"words\">" + tokens(features, text++) + "</div>"});
      else
        visit(row,
              Drawn{figure(exact_tag(seen_image(features.pixels_nCHW[image++], config_.data.image), name),
                           name, "seen"),
                    ""});
    }
  }

  std::string side_by_side(const Rows& rows) const {
    Drawn all;
    for_each_drawn(rows, [&all](size_t, const Drawn& one) {
      all.images += one.images;
      all.texts += one.texts;
    });
    std::string html = all.images.empty() ? "" : "<div class=\"card looks\">" + all.images + "</div>\n";
    return html + (all.texts.empty() ? "" : "<div class=\"card\">" + all.texts + "</div>\n");
  }

  // A card for each pair, triplet or row of texts, marked with what it is.
  std::string by_unit(const Rows& rows) const {
    std::string html;
    Drawn unit;
    for_each_drawn(rows, [&](size_t row, const Drawn& one) {
      unit.images += one.images;
      unit.texts += one.texts;
      if (row + 1 < rows.units.size() && rows.units[row + 1] == rows.units[row]) return;
      const std::string images = unit.images.empty() ? "" : "<div class=\"looks\">" + unit.images + "</div>";
      html +=
          "<section class=\"card strip\">" + images + unit.texts + mark_of(rows.units[row]) + "</section>\n";
      unit = {};
    });
    return "<div class=\"columns\">" + html + "</div>\n";
  }

  std::string mark_of(int64_t unit) const {
    const auto tuple = std::ranges::find(batch_.tuples, unit * batch_.unit, &sampler::Tuple::anchor);
    if (tuple == batch_.tuples.end()) return "";
    return tuple->is_triplet() ? "<p class=\"note\">anchor, positive, negative</p>" : verdict(tuple->same);
  }

  std::string tokens(const Features& features, int64_t row) const {
    const at::Tensor token_T = features.tokens_nT[row].contiguous();
    const int64_t length = features.mask_nT[row].sum().item<int64_t>();
    const int64_t* first = token_T.const_data_ptr<int64_t>();
    return token_html({first, first + length}, *rule_.tokenizer, false);
  }

  // Each image as its epochs draw it.
  std::string draws() const {
    std::vector<int64_t> samples;
    for (const int64_t i : batch_.samples)
      if (std::ranges::find(samples, i) == samples.end() && samples.size() < kImages) samples.push_back(i);
    std::string html;
    for (const int64_t i : samples) try {
        html += "<div class=\"card looks\">" + draws_of(i) + "</div>\n";
      } catch (const DataError&) {  // the sheet of samples shows the error
      }
    return "<h3 class=\"gap-above\">One image, drawn again in each epoch</h3>\n<p class=\"note\">The file, "
           "the view of an "
           "evaluation, then the views of training.</p>\n" +
           html;
  }

  std::string draws_of(int64_t i) const {
    const auto builder = data_.examples->builder(kDraws + 1);
    builder->add(i, {});
    for (int64_t epoch = 0; epoch < kDraws; ++epoch) builder->add(i, {epoch, 0, 0, true});
    const Features features = builder->finish();
    const std::string name = data_.dataset()->key(i);
    std::string html = figure(image_tag(*data_.examples->shown(i).image, name), short_name(name));
    for (int64_t k = 0; k <= kDraws; ++k) {
      const std::string caption = k == 0 ? "evaluation" : "epoch " + std::to_string(k - 1);
      html +=
          figure(exact_tag(seen_image(features.pixels_nCHW[k], config_.data.image), name + ", " + caption),
                 caption, "seen");
    }
    return html;
  }

  const run::RunConfig& config_;
  const run::TrainingData& data_;
  sampler::GlobalBatch batch_;
  sampler::TokenRule rule_;
};

}  // namespace

std::string batch_sheet(const run::RunConfig& config, const run::TrainingData& data) {
  return BatchSheet(config, data).html();
}

}  // namespace lodestone::data_view
