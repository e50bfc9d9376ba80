#include "trainer/run/start/load_watch.h"

namespace lodestone::run {

namespace {

// In a subshell that ends at once: a child of the rank would remain as a zombie, since the
// program does not wait for it. In /proc/PID/stat, after the name, the first word is the state
// and the 18th the number of threads.
constexpr const char* kScript = R"(rank=$$
look_after() {
  stopped=0
  while sleep 1 && { read -r stat <"/proc/$rank/stat"; } 2>/dev/null; do
    set -- ${stat##*) }
    if [ "$1" = T ]; then
      stopped=$((stopped + 1))
      [ $stopped -eq 5 ] || continue
      echo "lodestone: error: launch: rank $OMPI_COMM_WORLD_RANK on $(uname -n) is lost:" \
        "stopped for 5 s as it started; killing it" >&2
      kill -KILL $rank
    elif [ "${18}" -gt 1 ]; then
      return
    else
      stopped=0
    fi
  done
}
(look_after &)
exec "$@")";

}  // namespace

std::vector<std::string> load_watch() {
  return {"sh", "-c", kScript, "sh"};
}

}  // namespace lodestone::run
