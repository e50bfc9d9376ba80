#include "trainer/eval/tf_idf.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "common/error.h"
#include "common/parallel.h"

namespace lodestone::eval {

namespace {

constexpr size_t kShortest = 2, kLongest = 4;
constexpr int64_t kQueries = 64;  // queries that are searched at a time

/// The words in lower case, each as its code points between two spaces.
std::vector<std::u32string> padded_words(std::string_view text) {
  const auto length = static_cast<int32_t>(text.size());
  const icu::UnicodeString lower =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), length)).toLower(icu::Locale::getRoot());
  std::vector<std::u32string> words;
  std::u32string word = U" ";
  const auto end_word = [&] {
    if (word.size() > 1) words.push_back(word + U' ');
    word = U" ";
  };
  for (int32_t at = 0; at < lower.length(); at = lower.moveIndex32(at, 1)) {
    const UChar32 c = lower.char32At(at);
    if (u_isUWhiteSpace(c))
      end_word();
    else
      word.push_back(static_cast<char32_t>(c));
  }
  end_word();
  return words;
}

template <typename Visit>
void for_each_gram(const std::u32string& word, const Visit& visit) {
  for (size_t n = kShortest; n <= kLongest; ++n) {
    if (n >= word.size()) {
      visit(word);
      return;
    }
    for (size_t begin = 0; begin + n <= word.size(); ++begin) visit(word.substr(begin, n));
  }
}

std::string bytes_of(const std::u32string& gram) {
  return {reinterpret_cast<const char*>(gram.data()), gram.size() * sizeof(char32_t)};
}

}  // namespace

TfIdf::TfIdf(const std::vector<std::string>& texts) {
  std::unordered_map<std::string, uint32_t> terms;
  for (const std::string& text : texts) add(text, terms);
  std::vector<double> idf(terms.size());
  for (const auto& row : rows_)
    for (const Weight& weight : row) idf[weight.index] += 1;
  for (double& value : idf) value = std::log((1.0 + static_cast<double>(size())) / (1.0 + value)) + 1;
  postings_.resize(terms.size());
  for (size_t r = 0; r < rows_.size(); ++r) {
    double norm = 0;
    for (Weight& weight : rows_[r]) {
      weight.value *= idf[weight.index];
      norm += weight.value * weight.value;
    }
    for (Weight& weight : rows_[r]) {
      weight.value /= std::sqrt(norm);
      postings_[weight.index].push_back({static_cast<uint32_t>(r), weight.value});
    }
  }
}

void TfIdf::add(std::string_view text, std::unordered_map<std::string, uint32_t>& terms) {
  std::map<uint32_t, double> counts;
  for (const std::u32string& word : padded_words(text))
    for_each_gram(word, [&](const std::u32string& gram) {
      const auto [found, is_new] = terms.try_emplace(bytes_of(gram), static_cast<uint32_t>(terms.size()));
      counts[found->second] += 1;
    });
  std::vector<Weight> row;
  for (const auto& [term, count] : counts) row.push_back({term, count});
  rows_.push_back(std::move(row));
}

double TfIdf::score(int64_t i, int64_t j) const {
  const auto& a = rows_.at(static_cast<size_t>(i));
  const auto& b = rows_.at(static_cast<size_t>(j));
  double sum = 0;
  for (size_t x = 0, y = 0; x < a.size() && y < b.size();) {
    if (a[x].index == b[y].index) {
      sum += a[x++].value * b[y++].value;
    } else if (a[x].index < b[y].index) {
      ++x;
    } else {
      ++y;
    }
  }
  return sum;
}

std::vector<double> TfIdf::scores(int64_t i) const {
  std::vector<double> sums(rows_.size());
  for (const Weight& term : rows_.at(static_cast<size_t>(i)))
    for (const Weight& row : postings_[term.index]) sums[row.index] += term.value * row.value;
  return sums;
}

Comparison compare_texts(const TfIdf& texts, std::span<const int64_t> groups_N) {
  if (static_cast<int64_t>(groups_N.size()) != texts.size())
    throw Error("tf-idf: expected a group for each of the " + std::to_string(texts.size()) + " texts, got " +
                std::to_string(groups_N.size()));
  const auto nearest = [&texts, groups_N](int64_t query, int64_t depth) {
    std::vector<Neighbour> found;
    if (depth <= 0) return found;
    const std::vector<double> scores = texts.scores(query);
    for (int64_t i = 0; i < texts.size(); ++i)
      if (i != query)
        found.push_back({scores[static_cast<size_t>(i)], i,
                         groups_N[static_cast<size_t>(i)] == groups_N[static_cast<size_t>(query)]});
    const auto end =
        found.begin() + std::min<std::ptrdiff_t>(depth, static_cast<std::ptrdiff_t>(found.size()));
    std::partial_sort(found.begin(), end, found.end(), ranks_before);
    found.erase(end, found.end());
    return found;
  };
  const auto find = [nearest](ItemRange queries, const auto& depth, const auto& visit) {
    for (int64_t first = queries.begin; first < queries.end; first += kQueries) {
      const int64_t count = std::min(kQueries, queries.end - first);
      std::vector<int64_t> depths;
      for (int64_t q = 0; q < count; ++q) depths.push_back(depth(first + q));
      std::vector<std::vector<Neighbour>> found(static_cast<size_t>(count));
      parallel_ranges(count, 1, [&](int64_t begin, int64_t end) {
        for (int64_t q = begin; q < end; ++q)
          found[static_cast<size_t>(q)] = nearest(first + q, depths[static_cast<size_t>(q)]);
      });
      for (int64_t q = 0; q < count; ++q) visit(first + q, found[static_cast<size_t>(q)]);
    }
  };
  return {texts.size(), Similarity::kCosine, [&texts](int64_t i, int64_t j) { return texts.score(i, j); },
          find};
}

}  // namespace lodestone::eval
