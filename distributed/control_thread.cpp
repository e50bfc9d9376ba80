#include "distributed/control_thread.h"

#include <algorithm>

#include "common/error.h"

namespace lodestone {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr const char* kNoVerdict = "-";
constexpr milliseconds kJoinTimeout{
    60'000};  // for a rank not heard of yet: it may still be loading libraries
constexpr milliseconds kGrace{500};

int64_t now_ns() {
  return SteadyClock::now().time_since_epoch().count();
}

std::string beat_key(const ControlOptions& options, int rank) {
  return prefix_of(options) + "beat/" + std::to_string(rank);
}

std::string verdict_key(const ControlOptions& options) {
  return prefix_of(options) + "verdict";
}

milliseconds since(SteadyClock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - then);
}

std::string loss_text(int rank, milliseconds silent, const Beat& beat) {
  std::string text = "rank " + std::to_string(rank) + " is lost: silent for " +
                     std::to_string(silent.count()) + " ms (last heard of at step " +
                     std::to_string(beat.step);
  for (const auto& [group, entry] : beat.entered) {
    text += ", " + entry.verb + " call " + std::to_string(entry.call) + " of group " + group;
  }
  return text + ")";
}

}  // namespace

ControlPlane::Shared::Shared(ControlOptions wanted) : options(std::move(wanted)) {
  if (options.rank == 0) {
    server = serve_store(options);
    for (int r = 0; r < options.world; ++r) server->set(beat_key(options, r), Beat().text());
    server->set(verdict_key(options), kNoVerdict);
    server->set("lodestone/generation", std::to_string(options.generation));
    watched.resize(static_cast<size_t>(options.world));
    for (Watched& rank : watched) rank.heard = SteadyClock::now();
    watched_at_ = SteadyClock::now();
  }
  store = connect_store(options);
}

milliseconds ControlPlane::Shared::interval() const {
  return std::clamp(options.peer_timeout / 20, milliseconds(20), milliseconds(500));
}

milliseconds ControlPlane::Shared::store_silence() {
  if (options.rank == 0) return milliseconds(0);
  const int64_t now = now_ns();
  const int64_t asked = asked_at.load();
  // Waiting ranks look here all the time. If nobody did for a while, this process may itself have been
  // stopped, and its thread must have a chance to read the answer that came meanwhile.
  const int64_t grace = std::chrono::nanoseconds(kGrace).count();
  if (now - looked_at.exchange(now) > grace) grace_until.store(now + grace);
  if (asked == 0 || now < grace_until.load()) return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(now - asked));
}

void ControlPlane::Shared::condemn(const std::string& why) {
  std::lock_guard lock(mutex);
  if (verdict.empty()) verdict = why;
  condemned.store(true, std::memory_order_release);
  changed.notify_all();
}

std::vector<Beat> ControlPlane::Shared::ask_for_beats() {
  std::unique_lock lock(mutex);
  const uint64_t ticket = ++beats_wanted;
  changed.notify_all();
  const bool given =
      changed.wait_for(lock, std::chrono::seconds(1), [&] { return beats_given >= ticket || ended; });
  return given ? beats : std::vector<Beat>();
}

void ControlPlane::Shared::run() {
  try {
    for (bool more = true; more;) {
      bool good_bye = false;
      {
        std::lock_guard lock(mutex);
        good_bye = options.rank != 0 && (leaving || !verdict.empty());
      }
      say(good_bye);
      if (options.rank == 0) {
        watch();
      } else if (!good_bye) {
        listen();
      }
      give_beats();
      more = !good_bye && !may_end();
      if (more) wait_for_next();
    }
  } catch (const std::exception&) {
    condemn("rank 0 is lost: the connection to its store broke");
  }
  std::lock_guard lock(mutex);
  ended = true;
  changed.notify_all();
}

void ControlPlane::Shared::say(bool good_bye) {
  Beat beat;
  beat.number = ++number_;
  beat.step = step.load(std::memory_order_relaxed);
  beat.left = good_bye;
  {
    std::lock_guard lock(mutex);
    beat.entered = entered;
    beat.report = report;
  }
  asked_at.store(now_ns());
  store->set(beat_key(options, options.rank), beat.text());
  asked_at.store(0);
}

void ControlPlane::Shared::listen() {
  asked_at.store(now_ns());
  const std::string heard = store->get_to_str(verdict_key(options));
  asked_at.store(0);
  if (heard != kNoVerdict) condemn(heard);
}

std::vector<std::string> ControlPlane::Shared::read_beats() {
  std::vector<std::string> keys;
  for (int r = 0; r < options.world; ++r) keys.push_back(beat_key(options, r));
  asked_at.store(now_ns());
  const auto values = store->multiGet(keys);
  asked_at.store(0);
  std::vector<std::string> texts;
  for (const auto& value : values) texts.emplace_back(value.begin(), value.end());
  return texts;
}

void ControlPlane::Shared::watch() {
  const std::vector<std::string> texts = read_beats();
  std::string found;
  {
    std::lock_guard lock(mutex);
    // A pause of this very process must not make the others look silent.
    const auto pause = since(watched_at_);
    watched_at_ = SteadyClock::now();
    for (size_t r = 0; r < texts.size(); ++r) {
      Watched& rank = watched[r];
      if (pause > options.peer_timeout / 2) rank.heard += pause;
      const Beat beat = Beat::parse(texts[r]);
      if (rank.last_text != texts[r]) rank = {texts[r], SteadyClock::now(), beat.step, beat.left};
      const auto limit =
          beat.number == 0 ? std::max(kJoinTimeout, options.peer_timeout) : options.peer_timeout;
      const auto silent = since(rank.heard);
      std::string trouble;
      if (!beat.report.empty()) trouble = "rank " + std::to_string(r) + " gave up: " + beat.report;
      if (trouble.empty() && !rank.left && silent > limit)
        trouble = loss_text(static_cast<int>(r), silent, beat);
      if (!trouble.empty()) found += (found.empty() ? "" : "; ") + trouble;
    }
    if (!verdict.empty()) found.clear();
  }
  if (found.empty()) return;
  asked_at.store(now_ns());
  store->set(verdict_key(options), found);
  asked_at.store(0);
  condemn(found);
}

void ControlPlane::Shared::give_beats() {
  uint64_t wanted = 0;
  {
    std::lock_guard lock(mutex);
    if (beats_wanted == beats_given) return;
    wanted = beats_wanted;
  }
  std::vector<Beat> read;
  for (const std::string& text : read_beats()) read.push_back(Beat::parse(text));
  std::lock_guard lock(mutex);
  beats = std::move(read);
  beats_given = wanted;
  changed.notify_all();
}

// Rank 0 serves until nobody needs it: the others have said good-bye, or it has waited long enough after a
// failure.
bool ControlPlane::Shared::may_end() {
  std::lock_guard lock(mutex);
  if (options.rank != 0 || !leaving) return false;
  if (left_at_ == SteadyClock::time_point()) left_at_ = SteadyClock::now();
  const bool all_left =
      std::all_of(watched.begin() + 1, watched.end(), [](const Watched& rank) { return rank.left; });
  return all_left || (!verdict.empty() && since(left_at_) > options.peer_timeout);
}

void ControlPlane::Shared::wait_for_next() {
  std::unique_lock lock(mutex);
  const bool was_leaving = leaving, was_well = report.empty();
  changed.wait_for(lock, interval(), [&] {
    return leaving != was_leaving || report.empty() != was_well || beats_wanted != beats_given;
  });
}

}  // namespace lodestone
