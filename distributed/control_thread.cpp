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

std::string beat_name(int rank) {
  return "beat/" + std::to_string(rank);
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

ControlPlane::Shared::Shared(ControlOptions wanted)
    : options(std::move(wanted)), seal(options.token, options.generation), prefix_(prefix_of(options)) {
  if (options.rank == 0) {
    server = serve_store(options);
    for (int r = 0; r < options.world; ++r) publish(*server, beat_name(r), Beat().text());
    publish(*server, kVerdict, kNoVerdict);
    publish(*server, kFlights, "0");
    const std::string number = std::to_string(options.generation);
    server->set("lodestone/generation", number + " " + seal.close("generation", number));
    watched.resize(static_cast<size_t>(options.world));
    for (Watched& rank : watched) rank.heard = SteadyClock::now();
    watched_at_ = SteadyClock::now();
  }
  store = connect_store(options);
}

void ControlPlane::Shared::publish(c10d::Store& where, const std::string& name,
                                   const std::string& text) const {
  where.set(prefix_ + name, seal.close(name, text));
}

// "" for what is not of this job and generation: it counts as if it had not been written.
std::vector<std::string> ControlPlane::Shared::fetch(const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  for (const std::string& name : names) keys.push_back(prefix_ + name);
  asked_at.store(now_ns());
  const auto values = store->multiGet(keys);
  asked_at.store(0);
  std::vector<std::string> texts;
  for (size_t i = 0; i < names.size(); ++i)
    texts.push_back(seal.open(names[i], {values[i].begin(), values[i].end()}).value_or(""));
  return texts;
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
    // One that was stopped comes back to a store that its ranks have left.
    condemn(stood_still_ > options.peer_timeout
                ? "this rank stood still for " + std::to_string(stood_still_.count()) +
                      " ms, and the others have given it up"
                : "rank 0 is lost: the connection to its store broke");
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
  publish(*store, beat_name(options.rank), beat.text());
  asked_at.store(0);
}

void ControlPlane::Shared::listen() {
  const std::vector<std::string> heard = fetch({kVerdict, kFlights});
  if (!heard[1].empty()) flights_wanted.store(std::atoll(heard[1].c_str()));
  if (!heard[0].empty() && heard[0] != kNoVerdict) condemn(heard[0]);
}

std::vector<std::string> ControlPlane::Shared::read_beats() {
  std::vector<std::string> names;
  for (int r = 0; r < options.world; ++r) names.push_back(beat_name(r));
  return fetch(names);
}

void ControlPlane::Shared::watch() {
  tell_flights();
  const std::vector<std::string> texts = read_beats();
  std::string found;
  {
    std::lock_guard lock(mutex);
    // A pause of this very process must not make the others look silent.
    const auto pause = since(watched_at_);
    watched_at_ = SteadyClock::now();
    const int64_t told_before = furthest_step();
    for (size_t r = 0; r < texts.size(); ++r) {
      Watched& rank = watched[r];
      if (pause > options.peer_timeout / 2) {
        rank.heard += pause;
        if (rank.behind_since) *rank.behind_since += pause;
      }
      const std::string& text = texts[r].empty() ? rank.last_text : texts[r];
      const Beat beat = Beat::parse(text);
      if (rank.last_text != text) note(rank, text, beat, told_before);
      const auto limit =
          beat.number == 0 ? std::max(kJoinTimeout, options.peer_timeout) : options.peer_timeout;
      const auto silent = since(rank.heard);
      std::string trouble;
      if (!beat.report.empty()) trouble = "rank " + std::to_string(r) + " gave up: " + beat.report;
      if (trouble.empty() && !rank.left && silent > limit)
        trouble = loss_text(static_cast<int>(r), silent, beat);
      if (!trouble.empty()) found += (found.empty() ? "" : "; ") + trouble;
    }
    note_lags();
    note_step();
    if (!verdict.empty()) found.clear();
  }
  if (found.empty()) return;
  asked_at.store(now_ns());
  publish(*store, kVerdict, found);
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
  const auto begin = SteadyClock::now();
  changed.wait_for(lock, interval(), [&] {
    return leaving != was_leaving || report.empty() != was_well || beats_wanted != beats_given;
  });
  stood_still_ = since(begin);
}

}  // namespace lodestone
