#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace lodestone {

/// Base of every error the library throws. Messages read "component: expected …, got …; next step".
/// Wrap a cause with std::throw_with_nested(DataError("…")); explain() prints the chain.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The user's configuration or command line is wrong. Exit code 2.
class ConfigError : public Error {
  using Error::Error;
};

/// Input data is missing, damaged or does not fit the configuration. Exit code 3.
class DataError : public Error {
  using Error::Error;
};

/// A peer was lost, stalled, or answered wrongly; the group is unusable afterwards. Exit code 4.
class CommError : public Error {
  using Error::Error;
};

/// No usable checkpoint where one was asked for. Exit code 5.
class CheckpointError : public Error {
  using Error::Error;
};

/// The message of `error` and, indented below it, those of the errors that caused it.
std::string explain(const std::exception& error);

}  // namespace lodestone
