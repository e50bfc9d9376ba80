#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace lodestone {

/// Base class of every error that the library throws. Messages read "component: expected …, got …; next
/// step". To keep a cause, throw with std::throw_with_nested(DataError("…")); explain() prints the chain.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The configuration or command line is wrong. Exit code 2.
class ConfigError : public Error {
  using Error::Error;
};

/// Input data are missing, damaged or do not fit the configuration. Exit code 3.
class DataError : public Error {
  using Error::Error;
};

/// Another rank was lost, stalled, or sent something wrong; the group is unusable afterwards. Exit code 4.
class CommError : public Error {
  using Error::Error;
};

/// There is no usable checkpoint where one is needed. Exit code 5.
class CheckpointError : public Error {
  using Error::Error;
};

/// The message of `error` and, indented below it, those of the errors that caused it.
std::string explain(const std::exception& error);

}  // namespace lodestone
