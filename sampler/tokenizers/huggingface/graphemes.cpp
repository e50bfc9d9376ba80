#include "sampler/tokenizers/huggingface/graphemes.h"

#include "sampler/tokenizers/huggingface/characters.h"

namespace lodestone::sampler::huggingface {

namespace {

int break_class(UChar32 c) {
  return u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK);
}

bool is_control(int kind) {
  return kind == U_GCB_CONTROL || kind == U_GCB_CR || kind == U_GCB_LF;
}

bool joins_hangul(int before, int now) {
  if (before == U_GCB_L) return now == U_GCB_L || now == U_GCB_V || now == U_GCB_LV || now == U_GCB_LVT;
  if (before == U_GCB_LV || before == U_GCB_V) return now == U_GCB_V || now == U_GCB_T;
  return (before == U_GCB_LVT || before == U_GCB_T) && now == U_GCB_T;
}

// Rules GB3 to GB9b, which look at two characters.
bool joins(int before, int now) {
  if (before == U_GCB_CR && now == U_GCB_LF) return true;
  if (is_control(before) || is_control(now)) return false;
  return joins_hangul(before, now) || now == U_GCB_EXTEND || now == U_GCB_ZWJ || now == U_GCB_SPACING_MARK ||
         before == U_GCB_PREPEND;
}

}  // namespace

size_t grapheme_end(std::string_view text, size_t at) {
  size_t end = at;
  UChar32 c = next_character(text, end);
  if (c >= 0x20 && c < 0x80 && end < text.size() && static_cast<signed char>(text[end]) >= 0) return end;
  int before = break_class(c);
  bool emoji = u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC), joined = false;  // of rule GB11
  bool odd_flag = before == U_GCB_REGIONAL_INDICATOR;                                // of rules GB12 and GB13
  while (end < text.size()) {
    size_t behind = end;
    c = next_character(text, behind);
    const int now = break_class(c);
    const bool is_emoji = u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC);
    const bool flag = now == U_GCB_REGIONAL_INDICATOR;
    if (!joins(before, now) && !(joined && is_emoji) && !(odd_flag && flag)) break;
    joined = emoji && now == U_GCB_ZWJ;
    emoji = is_emoji || (emoji && now == U_GCB_EXTEND);
    odd_flag = flag && !odd_flag;
    before = now;
    end = behind;
  }
  return end;
}

}  // namespace lodestone::sampler::huggingface
