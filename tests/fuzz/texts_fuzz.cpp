#include <array>

#include "fuzz/input.h"
#include "sampler/texts/text_columns.h"

using namespace lodestone;

// The first byte picks syntax, format and header; the rest is the file. What is accepted must be UTF-8 of the promised count, and must
// read the same again from its offset.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr std::array kSyntaxes = {RecordSyntax::kJsonLines, RecordSyntax::kTabs, RecordSyntax::kCommas};
  constexpr std::array kFormats = {"texts", "labels", "pairs", "triplets", "queries", "captions"};
  constexpr std::array kHeaders = {"auto", "yes", "no"};
  const RecordSyntax syntax = kSyntaxes[data[0] % kSyntaxes.size()];
  TextLayout layout;
  layout.format = kFormats[data[0] / 3 % kFormats.size()];
  layout.header = kHeaders[data[0] / 18 % kHeaders.size()];
  const fuzz::MemoryFile bytes(fuzz::text(data + 1, size - 1));
  fuzz::refusing([&] {
    const PositionedFile file(bytes.path());
    const TextColumns columns(file, syntax, layout);
    for (RecordReader reader(file, syntax); reader.next();)
      fuzz::refusing([&] {
        const std::vector<std::string> values = columns.values(reader.record());
        RecordReader again(file, syntax, reader.offset(), 7);
        if (values.empty() || !again.next() || columns.values(again.record()) != values) std::abort();
      });
  });
  return 0;
}
