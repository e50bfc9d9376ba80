// Times retrieval and search for bench/evaluation/run.py.
//   evaluation_speed retrieval ROWS.safetensors   z [N, D], label [N]: all retrieval metrics, leave-one-out
//   evaluation_speed search ROWS.safetensors      q [Q, D], g [N, D]: the 10 nearest rows by inner product of
//                                                 unit rows, and the products alone
// Prints one JSON object; seconds of retrieval are the minimum of two runs. The nearest rows of each query
// are written to ROWS.safetensors.found.
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

#include "common/parallel.h"
#include "common/products.h"
#include "common/safetensors.h"
#include "trainer/eval/retrieval.h"

using namespace lodestone;

namespace {

constexpr int64_t kNearest = 10, kTile = eval::NeighbourSearch::kTile;

template <typename Work>
double least_seconds(int runs, const Work& work) {
  double least = 0;
  for (int r = 0; r < runs; ++r) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    least = r == 0 ? took.count() : std::min(least, took.count());
  }
  return least;
}

nlohmann::json time_retrieval(const TensorMap& in) {
  const int64_t* labels = in.at("label").const_data_ptr<int64_t>();
  const eval::LabelledRows rows{in.at("z"), {labels, labels + in.at("label").numel()}};
  eval::Retrieval found;
  const double seconds = least_seconds(2, [&] { found = eval::retrieve_leave_one_out(rows); });
  nlohmann::json result = nlohmann::json::parse(eval::to_json(found.metrics()));
  result["seconds"] = seconds;
  return result;
}

// The same tiles as the search's, and nothing kept of them.
double products(const eval::ComparableRows& queries, const eval::ComparableRows& gallery) {
  std::atomic<double> sum = 0;
  parallel_ranges((queries.size() + kTile - 1) / kTile, 1, [&](int64_t begin, int64_t end) {
    for (int64_t q = begin * kTile; q < std::min(end * kTile, queries.size()); q += kTile) {
      const at::Tensor q_TD = queries.tensor().narrow(0, q, std::min(kTile, queries.size() - q));
      for (int64_t g = 0; g < gallery.size(); g += kTile) {
        const at::Tensor g_GD = gallery.tensor().narrow(0, g, std::min(kTile, gallery.size() - g));
        sum += products_of_rows(q_TD, g_GD).const_data_ptr<float>()[0];
      }
    }
  });
  return sum;
}

nlohmann::json time_search(const TensorMap& in, const std::string& path) {
  const eval::ComparableRows queries(in.at("q"), eval::Similarity::kCosine),
      gallery(in.at("g"), eval::Similarity::kCosine);
  std::vector<std::vector<eval::Neighbour>> found;
  double sum = 0;
  const double lower_bound = least_seconds(1, [&] { sum += products(queries, gallery); });
  const double search = least_seconds(1, [&] { found = eval::nearest_rows(queries, gallery, kNearest); });
  at::Tensor index_Qk = at::empty({queries.size(), kNearest}, at::kLong);
  int64_t* out = index_Qk.mutable_data_ptr<int64_t>();
  for (const auto& nearest : found)
    for (const eval::Neighbour& one : nearest) *out++ = one.index;
  write_safetensors(path + ".found", {{"index", index_Qk}});
  return {{"seconds", search}, {"products_seconds", lower_bound}, {"checksum", sum}};
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) {
    std::cerr << "usage: evaluation_speed retrieval|search ROWS.safetensors\n";
    return 2;
  }
  const std::string path = arguments[2];
  const TensorMap in = read_safetensors(path);
  nlohmann::json result =
      std::string(arguments[1]) == "retrieval" ? time_retrieval(in) : time_search(in, path);
  result["threads"] = at::get_num_threads();
  std::cout << result << std::endl;
} catch (const std::exception& error) {
  std::cerr << "evaluation_speed: " << error.what() << '\n';
  return 1;
}
