#include "distributed/control/control_thread.h"

#include <algorithm>

#include "common/error.h"

namespace lodestone::distributed {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kGrace{500};

int64_t now_ns() {
  return SteadyClock::now().time_since_epoch().count();
}

milliseconds since(SteadyClock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - then);
}

std::string loss_text(int rank, milliseconds silent, const Beat& beat) {
  std::string text = "rank " + std::to_string(rank) + " is lost: silent for " +
                     std::to_string(silent.count()) + " ms (last heard of at step " +
                     std::to_string(beat.step);
  for (const auto& [group, entry] : beat.entered) {
    text += ", " + entry.operation + " call " + std::to_string(entry.call) + " of group " + group;
  }
  return text + ")";
}

}  // namespace

std::string beat_name(int rank) {
  return "beat/" + std::to_string(rank);
}

ControlPlane::Impl::Impl(ControlOptions wanted)
    : options(std::move(wanted)),
      seal(options.token, options.generation),
      newest_(static_cast<size_t>(options.world)),
      status_at_(SteadyClock::now()),
      listened_at_(status_at_) {
  if (options.rank == 0) {
    server = serve_store(options);
    const std::string number = std::to_string(options.generation);
    server->set("lodestone/generation", number + " " + seal.close("generation", number));
    watched.resize(static_cast<size_t>(options.world));
    for (Watched& rank : watched) rank.heard = SteadyClock::now();
    watched_at_ = SteadyClock::now();
  }
  store = connect_store(options);
  // A wait happens only if somebody deletes a key at the wrong moment.
  store->setTimeout(std::max(options.peer_timeout, milliseconds(1000)));
}

void ControlPlane::Impl::publish(c10d::Store& where, const std::string& name, const std::string& text) const {
  where.set(seal.key(name), seal.close(name, text));
}

// "" for entries that are missing or not of this job and generation: they count as not written.
std::vector<std::string> ControlPlane::Impl::fetch(const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  for (const std::string& name : names) keys.push_back(seal.key(name));
  std::vector<std::vector<uint8_t>> values(names.size());
  asked_at.store(now_ns());
  if (store->check(keys)) {
    values = store->multiGet(keys);
  } else {  // some ranks have not been heard of yet
    for (size_t i = 0; i < keys.size(); ++i)
      if (store->check({keys[i]})) values[i] = store->get(keys[i]);
  }
  asked_at.store(0);
  std::vector<std::string> texts;
  for (size_t i = 0; i < names.size(); ++i)
    texts.push_back(seal.open(names[i], {values[i].begin(), values[i].end()}).value_or(""));
  return texts;
}

milliseconds ControlPlane::Impl::interval() const {
  return std::clamp(options.peer_timeout / 20, milliseconds(20), milliseconds(500));
}

milliseconds ControlPlane::Impl::store_silence() {
  if (options.rank == 0) return milliseconds(0);
  const int64_t now = now_ns();
  const int64_t asked = asked_at.load();
  // Waiting ranks call this all the time. If nobody did for a while, this process may itself have been
  // stopped, and its thread must get the chance to read the answer that arrived meanwhile.
  const int64_t grace = std::chrono::nanoseconds(kGrace).count();
  if (now - looked_at.exchange(now) > grace) grace_until.store(now + grace);
  if (asked == 0 || now < grace_until.load()) return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(now - asked));
}

void ControlPlane::Impl::declare_lost(const Failure& why) {
  std::scoped_lock lock(mutex);
  if (!verdict) verdict = why;
  declared_lost.store(true, std::memory_order_release);
  changed.notify_all();
}

std::vector<Beat> ControlPlane::Impl::ask_for_beats() {
  std::unique_lock lock(mutex);
  const uint64_t ticket = ++beats_wanted;
  changed.notify_all();
  const bool given =
      changed.wait_for(lock, std::chrono::seconds(1), [&] { return beats_given >= ticket || ended; });
  return given ? beats : std::vector<Beat>();
}

void ControlPlane::Impl::run() {
  try {
    for (bool more = true; more;) {
      bool good_bye = false;
      {
        std::scoped_lock lock(mutex);
        good_bye = options.rank != 0 && (leaving || verdict);
      }
      send_heartbeat(good_bye);
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
    // A process that was stopped may resume after its ranks have left the store.
    declare_lost({stood_still_ > options.peer_timeout
                      ? "this rank was stopped for " + std::to_string(stood_still_.count()) +
                            " ms, and the other ranks treat it as lost"
                      : "rank 0 is lost: the connection to its store broke",
                  0});
  }
  std::scoped_lock lock(mutex);
  ended = true;
  changed.notify_all();
}

void ControlPlane::Impl::send_heartbeat(bool good_bye) {
  Beat beat;
  beat.number = ++number_;
  beat.step = step.load(std::memory_order_relaxed);
  beat.left = good_bye;
  {
    std::scoped_lock lock(mutex);
    beat.entered = entered;
    beat.report = report;
  }
  asked_at.store(now_ns());
  publish(*store, beat_name(options.rank), beat.text());
  asked_at.store(0);
}

void ControlPlane::Impl::listen() {
  const Status status = Status::parse(fetch({kStatus}).front());
  // A pause of this process must not make rank 0 look silent.
  if (const auto pause = since(listened_at_); pause > options.peer_timeout / 2) status_at_ += pause;
  listened_at_ = SteadyClock::now();
  if (status.number > status_number_) return receive(status);
  if (since(status_at_) <= options.peer_timeout) return;
  const std::string why = "rank 0 is lost: its store answers, but for " +
                          std::to_string(since(status_at_).count()) +
                          " ms rank 0 has written nothing new to it";
  report_if_well(why);
  declare_lost({why, 0});
}

void ControlPlane::Impl::receive(const Status& status) {
  status_number_ = status.number;
  status_at_ = listened_at_;
  flight_requests.store(status.flights);
  if (status.verdict) declare_lost(status.verdict);
}

void ControlPlane::Impl::report_if_well(const std::string& what) {
  std::scoped_lock lock(mutex);
  if (!report) report = {what, 0};
}

// The newest heartbeat of each rank. One with a lower number is older: somebody has replayed it.
const std::vector<Beat>& ControlPlane::Impl::read_beats() {
  std::vector<std::string> names;
  for (int r = 0; r < options.world; ++r) names.push_back(beat_name(r));
  const std::vector<std::string> texts = fetch(names);
  for (size_t r = 0; r < texts.size(); ++r)
    if (Beat beat = Beat::parse(texts[r]); beat.number > newest_[r].number) newest_[r] = std::move(beat);
  return newest_;
}

Failure ControlPlane::Impl::trouble_of(size_t rank) const {
  const Beat& beat = newest_[rank];
  if (beat.report)
    return {"rank " + std::to_string(rank) + " gave up: " + beat.report.what, beat.report.code};
  const auto limit =
      beat.number == 0 ? std::max(options.join_timeout, options.peer_timeout) : options.peer_timeout;
  const auto silent = since(watched[rank].heard);
  return {!beat.left && silent > limit ? loss_text(static_cast<int>(rank), silent, beat) : "", 0};
}

void ControlPlane::Impl::watch() {
  const std::vector<Beat>& said = read_beats();
  Failure found;
  {
    std::scoped_lock lock(mutex);
    // A pause of this process must not make the others look silent.
    const auto pause = since(watched_at_);
    watched_at_ = SteadyClock::now();
    const int64_t reported_before = furthest_step();
    for (size_t r = 0; r < said.size(); ++r) {
      Watched& rank = watched[r];
      if (pause > options.peer_timeout / 2) {
        rank.heard += pause;
        if (rank.behind_since) *rank.behind_since += pause;
      }
      if (said[r].number > rank.number) note(rank, said[r], reported_before);
      const Failure trouble = trouble_of(r);
      if (trouble) found.what += (found ? "; " : "") + trouble.what;
      if (found.code == 0) found.code = trouble.code;
    }
    note_lags();
    note_step();
    if (!verdict) verdict = found;
  }
  publish_status();
  if (found) declare_lost(found);
}

// Publishes rank 0's status, even if it has not changed.
void ControlPlane::Impl::publish_status() {
  Status status;
  status.number = ++status_number_;
  status.flights = flight_requests.load();
  {
    std::scoped_lock lock(mutex);
    status.verdict = verdict;
  }
  asked_at.store(now_ns());
  publish(*store, kStatus, status.text());
  asked_at.store(0);
}

void ControlPlane::Impl::give_beats() {
  uint64_t wanted = 0;
  {
    std::scoped_lock lock(mutex);
    if (beats_wanted == beats_given) return;
    wanted = beats_wanted;
  }
  std::vector<Beat> read = read_beats();
  std::scoped_lock lock(mutex);
  beats = std::move(read);
  beats_given = wanted;
  changed.notify_all();
}

// Rank 0 serves until nobody needs it: the others have left, or it has waited long enough after a failure.
bool ControlPlane::Impl::may_end() {
  std::scoped_lock lock(mutex);
  if (options.rank != 0 || !leaving) return false;
  if (left_at_ == SteadyClock::time_point()) left_at_ = SteadyClock::now();
  const bool all_left =
      std::all_of(watched.begin() + 1, watched.end(), [](const Watched& rank) { return rank.left; });
  return all_left || (verdict && since(left_at_) > options.peer_timeout);
}

void ControlPlane::Impl::wait_for_next() {
  std::unique_lock lock(mutex);
  const bool was_leaving = leaving, was_well = !report;
  const auto begin = SteadyClock::now();
  changed.wait_for(lock, interval(), [&] {
    return leaving != was_leaving || !report != was_well || beats_wanted != beats_given;
  });
  stood_still_ = since(begin);
}

}  // namespace lodestone::distributed
