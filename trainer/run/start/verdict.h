#pragma once

#include <optional>
#include <string>

namespace lodestone {

/// The message with which a rank that ends early gives the others its exit code, so that all end with it.
std::string verdict_of(int code, const std::string& reason);

/// The exit code in such a message; nullopt in any other, such as that a rank is lost.
std::optional<int> reported_code(const std::optional<std::string>& verdict);

}  // namespace lodestone
