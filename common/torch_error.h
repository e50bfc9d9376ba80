#pragma once

#include <exception>
#include <string>

#include <c10/util/Exception.h>

namespace lodestone {

/// The message of an error of LibTorch, its interpreter or its reader, without the stack trace.
inline std::string torch_reason(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  return own ? own->what_without_backtrace() : error.what();
}

}  // namespace lodestone
