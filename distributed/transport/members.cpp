#include "distributed/transport/members.h"

namespace lodestone::distributed {

std::string late_text(const Members& members, const std::string& who) {
  return "not all ranks arrived within " + std::to_string(members.options.timeout.count()) +
         " ms: " + (who.empty() ? std::string("which rank is late is unknown") : who);
}

}  // namespace lodestone::distributed
