#include "sampler/samplers/place.h"

#include <algorithm>
#include <utility>

namespace lodestone::sampler {

namespace {

std::string text(int64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string batches_of(int64_t rows, int64_t an_epoch) {
  if (an_epoch == 0) return "batches of " + std::to_string(rows);
  return std::to_string(an_epoch) + " batches of " + std::to_string(rows) + " an epoch";
}

// Draws continue without end, so their number is the place.
FoundPlace behind_draws(int64_t drawn, const IndexSampler& sampler) {
  const int64_t rows = sampler.global_batch(), steps = (drawn + rows - 1) / rows;
  FoundPlace found{advance({}, steps, sampler.batches_per_epoch()), {}};
  found.message = "at draw " + std::to_string(steps * rows);
  if (steps * rows > drawn) found.message += ", leaving out " + text(steps * rows - drawn, "row");
  return found;
}

}  // namespace

int64_t Place::drawn() const {
  return epoch * batches_per_epoch * global_batch + rows;
}

void Place::visit_state(StateVisitor& v) {
  int64_t position = rows / std::max<int64_t>(1, global_batch);
  v.number("", "sampler.epoch", epoch);
  v.number("", "sampler.position", position);
  v.number("", "sampler.rows", rows);
  v.number("", "sampler.global_batch", global_batch);
  v.number("", "sampler.batches_per_epoch", batches_per_epoch);
  v.number("", "sampler.stride", stride);
}

Place place_at(Cursor cursor, const IndexSampler& sampler, std::string order) {
  return {cursor.epoch,           cursor.position * sampler.global_batch(),
          sampler.global_batch(), sampler.batches_per_epoch(),
          sampler.stride(),       std::move(order)};
}

FoundPlace find_place(const Place& saved, const IndexSampler& sampler, const std::string& order) {
  const int64_t batch = sampler.global_batch(), an_epoch = sampler.batches_per_epoch();
  const bool same_order =
      saved.order == order && saved.stride == sampler.stride() && (saved.same_samples || !sampler.tours());
  if (same_order && saved.global_batch == batch && saved.batches_per_epoch == an_epoch &&
      saved.rows / batch < an_epoch)
    return {{saved.epoch, saved.rows / batch}, {}};

  FoundPlace found;
  if (!sampler.tours() && same_order && saved.batches_per_epoch > 0) {
    found = behind_draws(saved.drawn(), sampler);
  } else if (saved.rows == 0) {
    found = {{saved.epoch, 0}, "at the beginning of epoch " + std::to_string(saved.epoch)};
  } else if (same_order && saved.rows % (batch * sampler.stride()) == 0 &&
             saved.rows % (saved.global_batch * saved.stride) == 0 && saved.rows / batch < an_epoch) {
    found = {
        {saved.epoch, saved.rows / batch},
        "at the same place, row " + std::to_string(saved.rows) + " of epoch " + std::to_string(saved.epoch)};
  } else {
    found = {{saved.epoch + 1, 0},
             "at the beginning of epoch " + std::to_string(saved.epoch + 1) + "; the rest of epoch " +
                 std::to_string(saved.epoch) + ", of which " + text(saved.rows, "row") +
                 " were seen, is left out, since " +
                 (same_order ? "no batch begins there" : "its rows come in another order now")};
  }
  if (saved.global_batch == batch && saved.batches_per_epoch == an_epoch) {
    found.message =
        "samples, seed or sampler differ from the checkpoint's; the run continues " + found.message;
    return found;
  }
  found.message = "batches differ from the checkpoint's: " + batches_of(batch, an_epoch) + ", before " +
                  batches_of(saved.global_batch, saved.batches_per_epoch) + "; the run continues " +
                  found.message;
  return found;
}

}  // namespace lodestone::sampler
