#include <array>

#include "fuzz/input.h"
#include "sampler/texts/text_columns.h"

using namespace lodestone;
using namespace lodestone::sampler;

// The first byte picks syntax, format and header; the rest is the file. What is accepted must be UTF-8 of the
// promised count, and must read the same again from its offset; no line belongs to two records.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr std::array kSyntaxes = {RecordSyntax::kJsonLines, RecordSyntax::kTabs, RecordSyntax::kCommas,
                                    RecordSyntax::kLines};
  constexpr std::array kFormats = {TextFormat::kTexts,    TextFormat::kLabels,  TextFormat::kPairs,
                                   TextFormat::kTriplets, TextFormat::kQueries, TextFormat::kCaptions};
  constexpr std::array kHeaders = {AutoYesNo::kAuto, AutoYesNo::kYes, AutoYesNo::kNo};
  const RecordSyntax syntax = kSyntaxes[data[0] % kSyntaxes.size()];
  TextLayout layout;
  layout.format = kFormats[data[0] / 4 % kFormats.size()];
  layout.multiline = data[0] / 72 % 2 == 1;
  layout.header = kHeaders[data[0] / 24 % kHeaders.size()];
  const fuzz::MemoryFile bytes(fuzz::text(data + 1, size - 1));
  fuzz::refusing([&] {
    const PositionedFile file(bytes.path());
    const TextColumns columns(file, syntax, layout);
    int64_t line = 1;
    for (RecordReader reader(file, syntax, layout.multiline); reader.next();
         line = reader.line() + reader.lines()) {
      if (reader.line() < line || reader.lines() < 1 ||
          (reader.lines() > 1 && !layout.multiline && !reader.open_quote()))
        std::abort();
      fuzz::refusing([&] {
        const std::vector<std::string> values = columns.values(reader);
        RecordReader again(file, syntax, /*multiline=*/true, reader.offset(), 7);
        if (values.empty() || !again.next() || columns.values(again) != values) std::abort();
      });
    }
  });
  return 0;
}
