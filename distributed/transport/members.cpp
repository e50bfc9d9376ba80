#include "distributed/transport/members.h"

namespace lodestone {

std::string late_text(const Members& members, const std::string& who) {
  return "not all ranks came within " + std::to_string(members.options.timeout.count()) +
         " ms: " + (who.empty() ? std::string("who is late cannot be told") : who);
}

}  // namespace lodestone
