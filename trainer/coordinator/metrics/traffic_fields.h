#pragma once

#include <array>

#include "distributed/group.h"

namespace lodestone {

/// A member of Traffic and its name in metrics and reports.
struct TrafficField {
  const char* name;
  VerbTraffic Traffic::*member;
};

inline constexpr std::array<TrafficField, 7> kTrafficFields{{{"all_reduce", &Traffic::all_reduce},
                                                             {"all_gather", &Traffic::all_gather},
                                                             {"reduce_scatter", &Traffic::reduce_scatter},
                                                             {"broadcast", &Traffic::broadcast},
                                                             {"send_recv", &Traffic::send_recv},
                                                             {"barrier", &Traffic::barrier},
                                                             {"gradient_sync", &Traffic::gradient_sync}}};

}  // namespace lodestone
