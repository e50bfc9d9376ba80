#pragma once

#include <optional>
#include <string>

namespace lodestone {

/// What a rank that ends before its time reports to the others, so that all end with its exit code.
std::string verdict_of(int code, const std::string& reason);

/// The exit code in such a report; none in others, such as that a rank is lost.
std::optional<int> reported_code(const std::optional<std::string>& verdict);

}  // namespace lodestone
