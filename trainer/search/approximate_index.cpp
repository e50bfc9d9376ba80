#include "trainer/search/approximate_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include "common/error.h"
#include "common/file_kind.h"
#include "common/files.h"
#include "common/printable.h"
#include "common/safetensors.h"

namespace {

[[noreturn]] void refuse_lapack(const std::string& routine) {
  throw lodestone::Error("index: expected faiss to do without LAPACK's " + routine +
                         ", it was called; please report the kind of index");
}

}  // namespace

// faiss takes its matrix products from LibTorch, which exports the BLAS and LAPACK routines that it uses
// itself. These are the others that faiss refers to, for PCA and additive quantizers, which no index here
// uses. They are defined here, hidden from other libraries, so that no second BLAS is linked, which could
// replace LibTorch's own products.
#pragma GCC visibility push(hidden)
extern "C" {
void dgesvd_() {
  refuse_lapack("dgesvd");
}
void dgetri_() {
  refuse_lapack("dgetri");
}
void dsyev_() {
  refuse_lapack("dsyev");
}
void sgesvd_() {
  refuse_lapack("sgesvd");
}
void sgetri_() {
  refuse_lapack("sgetri");
}
void ssyrk_() {
  refuse_lapack("ssyrk");
}
}
#pragma GCC visibility pop

namespace lodestone::search {

namespace {

namespace fs = std::filesystem;

constexpr const char* kTensor = "faiss";
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 40;
constexpr int kLinks = 32, kBuildEffort = 80, kBitsPerPiece = 8;
constexpr int64_t kPieceWidth = 4, kLeastRows = 10'000, kRowsPerCentroid = 39, kLeastProposals = 64;

std::string_view bytes_of(const at::Tensor& contiguous) {
  return {static_cast<const char*>(contiguous.const_data_ptr()), contiguous.nbytes()};
}

std::shared_ptr<faiss::Index> empty_hnsw(int64_t width) {
  auto index = std::make_shared<faiss::IndexHNSWFlat>(static_cast<int>(width), kLinks);
  index->hnsw.efConstruction = kBuildEffort;
  return index;
}

std::shared_ptr<faiss::Index> empty_ivf_pq(int64_t rows, int64_t width) {
  if (rows < kLeastRows || width % kPieceWidth != 0)
    throw ConfigError("index: ivf-pq expected at least " + std::to_string(kLeastRows) +
                      " rows of a width that is a multiple of " + std::to_string(kPieceWidth) + ", got " +
                      std::to_string(rows) + " of " + std::to_string(width) +
                      "; take hnsw, or search exactly");
  const auto lists = static_cast<size_t>(
      std::min(4 * std::sqrt(static_cast<double>(rows)), static_cast<double>(rows / kRowsPerCentroid)));
  auto index =
      std::make_shared<faiss::IndexIVFPQ>(new faiss::IndexFlatL2(width), static_cast<size_t>(width), lists,
                                          static_cast<size_t>(width / kPieceWidth), kBitsPerPiece);
  index->own_fields = true;
  return index;
}

// For rows of unit length the nearest have the largest cosine: one metric serves both.
std::shared_ptr<faiss::Index> filled(IndexKind kind, const at::Tensor& z_ND) {
  const int64_t rows = z_ND.size(0), width = z_ND.size(1);
  auto index = kind == IndexKind::kHnsw ? empty_hnsw(width) : empty_ivf_pq(rows, width);
  const float* data = z_ND.const_data_ptr<float>();
  if (!index->is_trained) index->train(rows, data);
  index->add(rows, data);
  return index;
}

void set_effort(faiss::Index& index, IndexKind kind, int64_t effort) {
  if (kind == IndexKind::kHnsw)
    dynamic_cast<faiss::IndexHNSW&>(index).hnsw.efSearch = static_cast<int>(effort);
  else
    dynamic_cast<faiss::IndexIVF&>(index).nprobe = static_cast<size_t>(effort);
}

bool fits(const faiss::Index& index, IndexKind kind, const Embeddings& gallery) {
  const bool right = kind == IndexKind::kHnsw ? dynamic_cast<const faiss::IndexHNSW*>(&index) != nullptr
                                              : dynamic_cast<const faiss::IndexIVFPQ*>(&index) != nullptr;
  return right && index.ntotal == gallery.size() && index.d == gallery.z_ND.size(1);
}

// The rows of the gallery in the form that both faiss and exact search use.
at::Tensor comparable(const Embeddings& gallery) {
  return eval::ComparableRows(gallery.z_ND, gallery.similarity()).tensor();
}

// The share of the rows in `exact`, without the query itself, that `near` contains too.
double share_found(const std::vector<std::vector<eval::Neighbour>>& near,
                   const std::vector<std::vector<eval::Neighbour>>& exact, const std::vector<int64_t>& self) {
  int64_t there = 0, wanted = 0;
  for (size_t q = 0; q < self.size(); ++q) {
    std::set<int64_t> found;
    for (const eval::Neighbour& one : near[q]) found.insert(one.index);
    for (const eval::Neighbour& one : exact[q]) {
      if (one.index == self[q]) continue;
      ++wanted;
      there += found.contains(one.index) ? 1 : 0;
    }
  }
  return wanted > 0 ? static_cast<double>(there) / static_cast<double>(wanted) : 1;
}

[[noreturn]] void refuse(const fs::path& file, const std::string& got) {
  throw DataError(file.string() + ": expected an index as `lodestone index` writes it, got " + got +
                  "; build it again");
}

}  // namespace

ApproximateIndex::ApproximateIndex(IndexKind kind, std::shared_ptr<faiss::Index> index,
                                   std::string rows_checksum)
    : kind_(kind), index_(std::move(index)), rows_checksum_(std::move(rows_checksum)) {}

ApproximateIndex ApproximateIndex::build(const Embeddings& gallery, IndexKind kind) {
  return {kind, filled(kind, comparable(gallery)), checksum(bytes_of(gallery.z_ND.contiguous()))};
}

ApproximateIndex ApproximateIndex::read(const fs::path& file, const Embeddings& gallery) {
  const std::string whole = read_file(file, kMaxFileBytes);
  if (const FileKind* kind = file_kind(whole)) refuse(file, kind->name);
  try {
    auto [tensors, metadata] = read_safetensors_header(whole, file.string());
    const auto found = tensors.find(kTensor);
    if (tensors.contains("embeddings")) refuse(file, "embeddings, which an index is made of");
    if (found == tensors.end() || found->second.dtype != at::kByte) refuse(file, "no bytes named 'faiss'");
    const std::string_view bytes(whole.data() + found->second.begin, found->second.end - found->second.begin);
    if (checksum(bytes) != metadata["checksum"]) refuse(file, "bytes of another checksum: it is damaged");
    const std::string rows = checksum(bytes_of(gallery.z_ND.contiguous()));
    if (rows != metadata["rows"]) refuse(file, "that of other rows than the gallery's");
    const auto named = choice_named(metadata["kind"], kIndexKinds);
    if (!named) refuse(file, "an index of kind '" + printable(metadata["kind"]) + "'");
    const IndexKind kind = *named;
    faiss::VectorIOReader reader;
    reader.data.assign(bytes.begin(), bytes.end());
    std::shared_ptr<faiss::Index> index(faiss::read_index(&reader));
    if (!fits(*index, kind, gallery)) refuse(file, "an index of another kind or size than it says");
    return {kind, std::move(index), rows};
  } catch (const CheckpointError& error) {
    refuse(file, std::string("one that cannot be read: ") + error.what());
  } catch (const faiss::FaissException& error) {
    refuse(file, std::string("what faiss cannot read: ") + error.what());
  }
}

void ApproximateIndex::write(const fs::path& file) const {
  faiss::VectorIOWriter writer;
  faiss::write_index(index_.get(), &writer);
  const at::Tensor bytes = at::empty({static_cast<int64_t>(writer.data.size())}, at::kByte);
  std::memcpy(bytes.mutable_data_ptr(), writer.data.data(), writer.data.size());
  write_safetensors(file, {{kTensor, bytes}},
                    {{"kind", choice_name(kind_, kIndexKinds)},
                     {"rows", rows_checksum_},
                     {"checksum", checksum(bytes_of(bytes))}});
}

int64_t ApproximateIndex::default_effort() const {
  return kind_ == IndexKind::kHnsw ? 128 : 32;
}

std::vector<std::vector<eval::Neighbour>> ApproximateIndex::nearest(const eval::ComparableRows& queries,
                                                                    const eval::ComparableRows& gallery,
                                                                    int64_t k, int64_t effort) const {
  const int64_t proposals = std::min(gallery.size(), std::max(4 * k, kLeastProposals));
  const int64_t wanted = effort > 0 ? effort : default_effort();
  set_effort(*index_, kind_, kind_ == IndexKind::kHnsw ? std::max(wanted, proposals) : wanted);
  std::vector<float> distances(static_cast<size_t>(queries.size() * proposals));
  std::vector<int64_t> rows(distances.size());
  if (!rows.empty()) index_->search(queries.size(), queries.row(0), proposals, distances.data(), rows.data());
  std::vector<std::vector<eval::Neighbour>> all(static_cast<size_t>(queries.size()));
  for (int64_t q = 0; q < queries.size(); ++q) {
    auto& found = all[static_cast<size_t>(q)];
    for (int64_t p = 0; p < proposals; ++p)
      if (const int64_t row = rows[static_cast<size_t>(q * proposals + p)]; row >= 0)
        found.push_back({eval::score(queries, q, gallery, row), row, false});
    std::sort(found.begin(), found.end(), eval::ranks_before);
    if (static_cast<int64_t>(found.size()) > k) found.resize(static_cast<size_t>(k));
  }
  return all;
}

std::vector<double> recalls_of(const ApproximateIndex& index, const Embeddings& gallery, int64_t k,
                               int64_t samples, std::span<const int64_t> efforts) {
  const int64_t count = std::min(samples, gallery.size());
  std::vector<int64_t> asked;
  for (int64_t s = 0; s < count; ++s) asked.push_back(s * gallery.size() / count);
  const eval::ComparableRows rows(gallery.z_ND, gallery.similarity());
  const eval::ComparableRows queries(gallery.z_ND.index_select(0, at::tensor(asked, at::kLong)),
                                     gallery.similarity());
  const auto exact = eval::nearest_rows(queries, rows, k + 1);
  std::vector<double> recalls;
  for (const int64_t effort : efforts)
    recalls.push_back(share_found(index.nearest(queries, rows, k + 1, effort), exact, asked));
  return recalls;
}

}  // namespace lodestone::search
