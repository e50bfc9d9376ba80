#include "trainer/report/page_head.h"

#include "common/text_format.h"
#include "trainer/report/html.h"
#include "trainer/report/report_style.h"

namespace lodestone::report {

std::string page_head(std::string_view title, std::string_view style) {
  return fill(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>\n{}{}</style>\n</head>\n",
      {escape_html(title), report_style(), style});
}

}  // namespace lodestone::report
