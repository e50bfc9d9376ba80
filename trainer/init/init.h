#pragma once

#include <string>
#include <vector>

#include "trainer/run/tables.h"

namespace lodestone::init {

struct Options {
  std::string from;    ///< folder, file, or pattern of files
  std::string output;  ///< the configuration; empty: the name of `from` with .yaml, in the working folder
  double minutes = 5;  ///< of the run, evaluations included
  bool force = false;  ///< whether existing files are replaced
};

/// What was done, for people.
struct Made {
  std::string configuration;
  std::string vocabulary;  ///< empty if the data have no texts
  std::string found;
  std::vector<std::string> chosen, guessed, others;
  std::string measured;
};

/// Looks at data and writes a configuration that trains on them, with the reason of each setting. The
/// configuration was read and a few of its steps were taken before it is written.
/// Cost      seconds: opens the data, reads a sample of them, and takes steps for at most about 6 s
/// Throws    DataError, ConfigError: what was found, and what to do; IoError
Made make_configuration(const Options& options, const run::Tables& tables);

}  // namespace lodestone::init
