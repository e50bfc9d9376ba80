#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/eval/neighbours.h"
#include "trainer/search/embeddings.h"

namespace faiss {
struct Index;
}

namespace lodestone::search {

/// The structure of an approximate index.
/// hnsw      a graph of near rows (Malkov & Yashunin 2018); keeps exact rows; 4·D + 8·links bytes a row
/// ivf_pq    lists of rows by nearest centroid, each row cut in pieces of four numbers that one byte encodes
///           (Jégou, Douze & Schmid 2011); D/4 + 8 bytes a row; for galleries of 10,000 rows and more
enum class IndexKind { kHnsw, kIvfPq };
inline constexpr Choice<IndexKind> kIndexKinds[] = {{"hnsw", IndexKind::kHnsw},
                                                    {"ivf-pq", IndexKind::kIvfPq}};

/// An approximate index of a gallery's rows, by faiss. The index proposes rows; they are scored in float64
/// and ordered as in exact search, so scores are those of exact search, and the only error is a missing row.
class ApproximateIndex {
 public:
  /// Builds an index of the gallery.
  /// Cost      hnsw: about N·log N scores; ivf_pq: the training of min(4·sqrt(N), N/39) centroids
  /// Throws    ConfigError if ivf_pq gets too few rows, or rows whose width is not a multiple of four
  static ApproximateIndex build(const Embeddings& gallery, IndexKind kind);

  /// Reads an index. A checksum verifies what faiss reads; it finds damage but not malice: do not use an
  /// index from strangers, build it.
  /// Throws    IoError if the file cannot be read; DataError naming the file if it is damaged, is no index,
  ///           or belongs to other rows than the gallery's
  static ApproximateIndex read(const std::filesystem::path& file, const Embeddings& gallery);

  /// Replaces the file atomically.
  void write(const std::filesystem::path& file) const;

  /// The k nearest rows of each query, as far as the index finds them, best first. `effort` is the number of
  /// graph nodes (hnsw) or lists (ivf_pq) that a query searches; 0 means default_effort(). At least 4 k
  /// proposals are scored.
  /// Threads   runs on OpenMP's threads; not safe concurrently on one object
  std::vector<std::vector<eval::Neighbour>> nearest(const eval::ComparableRows& queries,
                                                    const eval::ComparableRows& gallery, int64_t k,
                                                    int64_t effort = 0) const;

  IndexKind kind() const { return kind_; }
  int64_t default_effort() const;

 private:
  ApproximateIndex(IndexKind kind, std::shared_ptr<faiss::Index> index, std::string rows_checksum);

  IndexKind kind_;
  std::shared_ptr<faiss::Index> index_;
  std::string rows_checksum_;
};

/// For each effort, the share of the k nearest rows that the index finds, for `samples` queries spread over
/// the gallery; a row is not its own neighbour.
/// Cost      one exact search for the samples, for any number of efforts
std::vector<double> recalls_of(const ApproximateIndex& index, const Embeddings& gallery, int64_t k,
                               int64_t samples, std::span<const int64_t> efforts);

}  // namespace lodestone::search
