#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trainer/data/selection.h"
#include "trainer/data/typefaces.h"

namespace lodestone::data {

inline constexpr const char* kManifestName = "typefaces.json";

/// A checksum over everything that the data set's bytes depend on: the options (without output and threads),
/// the format of this code, ICU, FreeType, and the typefaces' names and checksums.
std::string fingerprint(const TypefacesOptions& options, const std::vector<Typeface>& typefaces);

/// The text of typefaces.json: fingerprint, options, versions, counts per split, shards, typefaces, letters.
std::string manifest_text(const TypefacesOptions& options, const std::vector<Typeface>& typefaces,
                          const Selection& selection, const TypefacesReport& report);

/// The report of a complete output: its manifest has this fingerprint and every shard the recorded bytes.
/// Unset otherwise.
std::optional<TypefacesReport> find_complete(const std::filesystem::path& output,
                                             const std::string& fingerprint);

}  // namespace lodestone::data
