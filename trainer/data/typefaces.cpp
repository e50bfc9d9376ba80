#include "trainer/data/typefaces.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>

#include "common/error.h"
#include "common/files.h"
#include "common/text_format.h"
#include "trainer/data/instances.h"
#include "trainer/data/letters.h"
#include "trainer/data/manifest.h"
#include "trainer/data/output_folder.h"
#include "trainer/data/parallel.h"

namespace lodestone::data {

namespace fs = std::filesystem;

namespace {

void check(const TypefacesOptions& options) {
  const auto require = [](bool met, const std::string& what) {
    if (!met) throw ConfigError("typefaces: expected " + what);
  };
  require(!options.output.empty(), "an output folder; give --output DIR");
  require(options.image_size >= 16 && options.image_size <= 256,
          "an image size of 16 to 256 pixels, got " + std::to_string(options.image_size));
  require(options.min_typefaces >= 2 && options.min_typefaces <= options.max_typefaces,
          "2 <= min_typefaces <= max_typefaces, got " + std::to_string(options.min_typefaces) + " and " +
              std::to_string(options.max_typefaces));
  require(options.limit >= 0, "a limit of 0 (none) or more, got " + std::to_string(options.limit));
}

SplitReport describe(Split split, const Selection& selection, const std::vector<Typeface>& typefaces) {
  SplitReport report;
  std::map<char32_t, int64_t> groups;
  std::set<std::string> scripts, families;
  for (const auto& letter : selection.letters) {
    if (letter.split != split) continue;
    ++report.classes;
    report.instances += static_cast<int64_t>(letter.typefaces.size());
    report.largest_group = std::max(report.largest_group, ++groups[letter.group]);
    scripts.insert(script_of(letter.code));
    for (const size_t t : letter.typefaces) families.insert(typefaces[t].family);
  }
  report.groups = static_cast<int64_t>(groups.size());
  report.scripts.assign(scripts.begin(), scripts.end());
  report.families.assign(families.begin(), families.end());
  return report;
}

// Fewer fonts make another, smaller data set. The log says so, since metrics on the two cannot be compared.
void report_absent_families(const std::vector<Typeface>& typefaces, const Log& log) {
  std::set<std::string> families;
  for (const auto& typeface : typefaces) families.insert(typeface.family);
  const auto absent = absent_families(families);
  if (absent.empty()) return;
  log->warn(
      "typefaces: {} families are not installed, so the data set differs from the documented one: {}; see "
      "trainer/data/packages.txt",
      absent.size(), joined(absent));
}

Selection select(const TypefacesOptions& options, const std::vector<Typeface>& typefaces, const Log& log) {
  report_absent_families(typefaces, log);
  const auto letters = letters_of(typefaces, options.limit, options.threads);
  log->info("typefaces: {} fonts may draw {} letters", typefaces.size(), letters.size());
  std::vector<Survey> surveys(typefaces.size());
  parallel_for(typefaces.size(), options.threads,
               [&](size_t i) { surveys[i] = survey(typefaces[i], letters); });
  auto selection = select_letters(letters, typefaces, surveys,
                                  {options.min_typefaces, options.max_typefaces, options.seed});
  log->info(
      "typefaces: left out {} copied drawings, {} letters in fewer than {} typefaces, {} that look like a "
      "letter of another split",
      selection.same_drawings, selection.rare_letters, options.min_typefaces, selection.seen_letters);
  for (const Split split : kSplits)
    if (std::ranges::none_of(selection.letters, [&](const Letter& letter) { return letter.split == split; }))
      throw DataError(std::string("typefaces: expected letters for the split ") + name_of(split) +
                      ", found too few fonts to have any in " + std::to_string(options.min_typefaces) +
                      " typefaces; " + font_remedy());
  log->info("typefaces: look-alikes joined: {} by Unicode's table, {} by measured drawings; {} joins refused",
            selection.confusable_joins, selection.measured_joins, selection.refused_joins);
  return selection;
}

TypefacesReport render(const TypefacesOptions& options, const std::vector<Typeface>& typefaces,
                       const Selection& selection, const fs::path& part) {
  TypefacesReport report;
  for (const Split split : kSplits) {
    auto& described = report.splits[static_cast<size_t>(split)];
    described = describe(split, selection, typefaces);
    described.shards =
        write_instances(split, selection.letters, typefaces, options.image_size, part, options.threads);
  }
  write_file_synced(part / kManifestName, manifest_text(options, typefaces, selection, report));
  return report;
}

}  // namespace

TypefacesReport make_typefaces(const TypefacesOptions& options, const Log& log) {
  check(options);
  const auto started = std::chrono::steady_clock::now();
  const auto typefaces = find_typefaces(options.font_roots, options.threads);
  if (auto complete = find_complete(options.output, fingerprint(options, typefaces))) {
    log->info("typefaces: cached: {} is complete and made from the same fonts", options.output.string());
    return *complete;
  }
  OutputFolder folder(options.output, "typefaces");
  const auto report = render(options, typefaces, select(options, typefaces, log), folder.part());
  folder.publish();
  for (const Split split : kSplits)
    log->info("typefaces: {}: {} letters in {} groups, {} scripts, {} families, {} instances, {} shards",
              name_of(split), report.split(split).classes, report.split(split).groups,
              report.split(split).scripts.size(), report.split(split).families.size(),
              report.split(split).instances, report.split(split).shards.size());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  log->info("typefaces: wrote {} in {} s", options.output.string(), std::round(10 * seconds.count()) / 10);
  return report;
}

}  // namespace lodestone::data
