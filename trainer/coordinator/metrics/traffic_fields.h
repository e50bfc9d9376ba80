#pragma once

#include <array>

#include "distributed/group.h"

namespace lodestone::coordinator {

/// A member of Traffic and its name in metrics and reports.
struct TrafficField {
  const char* name;
  distributed::CallTraffic distributed::Traffic::*member;
};

inline constexpr std::array<TrafficField, 7> kTrafficFields{
    {{"all_reduce", &distributed::Traffic::all_reduce},
     {"all_gather", &distributed::Traffic::all_gather},
     {"reduce_scatter", &distributed::Traffic::reduce_scatter},
     {"broadcast", &distributed::Traffic::broadcast},
     {"send_recv", &distributed::Traffic::send_recv},
     {"barrier", &distributed::Traffic::barrier},
     {"gradient_sync", &distributed::Traffic::gradient_sync}}};

}  // namespace lodestone::coordinator
