#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/eval/neighbours.h"
#include "trainer/search/embeddings.h"

namespace faiss {
struct Index;
}

namespace lodestone {

/// How the rows of an index are found.
/// hnsw      a graph of near rows (Malkov & Yashunin 2018): exact rows kept; 4·D + 8·links bytes a row
/// ivf_pq    rows in lists by their nearest of some centroids, each cut in pieces of four numbers that are told by one byte (Jégou,
///           Douze & Schmid 2011): D/4 + 8 bytes a row; for galleries of 10,000 rows and more
enum class IndexKind { kHnsw, kIvfPq };

/// Throws ConfigError for another name than hnsw and ivf-pq.
IndexKind index_kind_of(const std::string& name);
const char* name_of(IndexKind kind);

/// An approximate index of a gallery's rows, by faiss. It proposes; the proposed rows are scored in float64 and ordered as in exact
/// search, so that scores are those of exact search, and only rows can be missing.
class ApproximateIndex {
 public:
  /// Cost      hnsw: about N·log N scores; ivf_pq: the training of min(4·sqrt(N), N/39) centroids
  /// Throws    ConfigError where ivf_pq gets too few rows, or rows whose width is no multiple of four
  static ApproximateIndex build(const Embeddings& gallery, IndexKind kind);

  /// Throws    IoError if the file cannot be read; DataError naming the file where it is damaged, no index, or one of other rows than
  ///           the gallery's
  /// What faiss reads is verified by a checksum, which finds damage but no malice: take no index from strangers, build it.
  static ApproximateIndex read(const std::filesystem::path& file, const Embeddings& gallery);

  /// Replaces the file atomically.
  void write(const std::filesystem::path& file) const;

  /// The k nearest of each query as far as they are found, best first. `effort` is how much is looked through for a query: graph nodes
  /// (hnsw) or lists (ivf_pq); 0 stands for default_effort(). At least 4 k proposals are scored.
  /// Threads   on OpenMP's; not concurrently on one object
  std::vector<std::vector<Neighbour>> nearest(const ComparableRows& queries, const ComparableRows& gallery,
                                              int64_t k, int64_t effort = 0) const;

  IndexKind kind() const { return kind_; }
  int64_t default_effort() const;

 private:
  ApproximateIndex(IndexKind kind, std::shared_ptr<faiss::Index> index, std::string rows_checksum);

  IndexKind kind_;
  std::shared_ptr<faiss::Index> index_;
  std::string rows_checksum_;
};

/// The share of the k nearest that the index finds with each of the efforts, asked for `samples` rows spread over the gallery; a row is
/// not its own neighbour.
/// Cost      one exact search for the samples, whatever the number of efforts
std::vector<double> recalls_of(const ApproximateIndex& index, const Embeddings& gallery, int64_t k,
                               int64_t samples, std::span<const int64_t> efforts);

}  // namespace lodestone
