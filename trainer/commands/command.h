#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lodestone {

/// Exit codes, a contract that scripts rely on.
enum ExitCode : int {
  kDone = 0,
  kRunFailed = 1,
  kBadUsage = 2,
  kBadData = 3,
  kPeerLost = 4,
  kCheckpointUnusable = 5,
  kStoppedResumable = 75,
};

struct TrainArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string resume = "auto";
};

struct LaunchArguments {
  std::optional<int> ranks;
  int max_restarts = 3;
  std::optional<int> min_ranks;
  std::string hostfile;
  std::vector<std::string> command;     ///< of this program: its words after `--`
  std::optional<TrainArguments> train;  ///< the same, if it is a training run
};

struct EvaluateArguments {
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string json;
  std::optional<double> calibrate;
  int64_t bootstrap = 1000;
};

struct EmbedArguments {
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string input;
  std::string output;
};

struct SearchArguments {
  std::string gallery;
  std::string query;
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  int64_t k = 10;
  std::string json;
  std::string html;
  std::vector<std::string> pictures;  ///< folders whose pictures the page may show
  std::string index;                  ///< empty: exact search
  int64_t effort = 0;                 ///< 0: the index's default
};

struct IndexArguments {
  std::string gallery;
  std::string kind = "hnsw";
  std::string output;
};

struct GalleryAddArguments {
  std::string gallery;
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string name;
  std::vector<std::string> inputs;
};

struct GalleryRemoveArguments {
  std::string gallery;
  std::string name;
  std::string photograph;
};

struct GalleryListArguments {
  std::string gallery;
  bool json = false;
};

struct IdentifyArguments {
  std::string gallery;
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string image;
  std::optional<double> threshold;
  int64_t k = 5;
  std::string json;
};

struct MineArguments {
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string input;
  std::string output;
  std::string format = "triplets";
  int64_t per_anchor = 1;
  double margin = 0.1;
  double max_score = 0.98;
};

struct ServeArguments {
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string gallery;
  std::string address = "127.0.0.1";
  int port = 8080;
  std::string token_file;
  std::string certificate;
  int64_t batch_rows = 64;
  int64_t waiting_rows = 256;
  int max_requests = 64;
  int max_per_address = 0;
  int64_t max_body_mib = 16;
  int64_t max_pixels = int64_t{16} << 20;
  int64_t max_request_pixels = int64_t{256} << 20;
  int64_t max_decoded_mib = 1024;
  double timeout = 10;
};

struct VerifyArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  bool all = false;
  int64_t batches = 2;
  std::string json;
};

struct ConfigArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool reference = false;
  bool schema = false;
};

struct DataArguments {
  std::string kind;
  std::string output;
  std::vector<std::string> font_roots;
  std::string source;
};

struct ExportArguments {
  std::string run;
  bool allow_code = false;
  std::string format;
  std::string output;
  std::string card;  // empty: beside the output, ending in .md
  std::string measures;
  std::string license;
  std::string data_license;
};

struct TokenizerTrainArguments {
  std::vector<std::string> inputs;
  std::vector<std::string> columns;
  std::string kind = "wordpiece";
  int64_t vocabulary = 30000;
  bool cased = false;
  std::string output;
};

struct TokenizerEncodeArguments {
  std::vector<std::string> inputs;
  std::vector<std::string> columns;
  std::string tokenizer;
  std::string kind = "auto";
  bool cased = false;
  std::string strip_accents = "auto";
  std::string ids = "auto";
  int64_t max_tokens = 512;
  bool tokens = false;
};

struct BenchLossArguments {
  std::vector<std::string> losses = {"supcon"};
  std::vector<std::string> miners = {"all"};
  std::vector<int64_t> sizes = {4096};
  std::vector<int64_t> widths = {128};
  int64_t per_class = 4;
  int64_t repeat = 5;
  std::optional<int64_t> threads;
  std::vector<std::string> assignments;
  std::string rows;
  std::string json;
};

struct BenchLoaderArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  double seconds = 3;
  int64_t rounds = 5;
  std::string json;
};

struct BenchCollectivesArguments {
  std::vector<std::string> verbs = {"all_reduce", "all_gather", "reduce_scatter",
                                    "broadcast",  "send_recv",  "barrier"};
  std::vector<int64_t> sizes = {1 << 10, 1 << 14, 1 << 18, 1 << 22, 1 << 26};
  int64_t repeat = 20;
  std::vector<std::string> assignments;
  std::string json;
};

struct BenchStepArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  int64_t steps = 20;
  int64_t warm_up = 3;
  int64_t batches = 4;
  std::string rows;
  std::string weights;
  std::string json;
};

struct BenchCheckpointArguments {
  int64_t parameters = 100'000'000;
  std::string folder = ".";
  int64_t repeat = 3;
  std::vector<std::string> assignments;
  std::string json;
};

struct PlanArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  int64_t ranks = 1;
  int64_t nodes = 1;
  std::string gpu;
  double efficiency = 0.4;
  std::string link = "100gbit";
  double latency = 5;
  int64_t classes = 0;
  int64_t tokens = 0;
  std::optional<int64_t> probe_rows;
  std::string json;
};

struct DoctorArguments {
  std::string folder = ".";
  std::optional<int> port;
  bool json = false;
};

/// Queries whose answers are printed though they are written to a file too; of more a summary is printed.
constexpr size_t kShownBesideFile = 10;

/// Each command returns the process's exit code; errors are thrown. Results go to stdout, progress to stderr.
int run_train(const TrainArguments& arguments);
int run_launch(const LaunchArguments& arguments);
int run_evaluate(const EvaluateArguments& arguments);
int run_embed(const EmbedArguments& arguments);
int run_search(const SearchArguments& arguments);
int run_index(const IndexArguments& arguments);
int run_gallery_add(const GalleryAddArguments& arguments);
int run_gallery_remove(const GalleryRemoveArguments& arguments);
int run_gallery_list(const GalleryListArguments& arguments);
int run_identify(const IdentifyArguments& arguments);
int run_mine(const MineArguments& arguments);
int run_serve(const ServeArguments& arguments);
int run_verify_gradients(const VerifyArguments& arguments);
int run_config(const ConfigArguments& arguments);
int run_export(const ExportArguments& arguments);
int run_inspect(const std::string& checkpoint);
int run_data(const DataArguments& arguments);
int run_plan(const PlanArguments& arguments);
int run_doctor(const DoctorArguments& arguments);
int run_tokenizer_train(const TokenizerTrainArguments& arguments);
int run_tokenizer_encode(const TokenizerEncodeArguments& arguments);
int run_bench_loss(const BenchLossArguments& arguments);
int run_bench_loader(const BenchLoaderArguments& arguments);
int run_bench_collectives(const BenchCollectivesArguments& arguments);
int run_bench_checkpoint(const BenchCheckpointArguments& arguments);
int run_bench_step(const BenchStepArguments& arguments);

}  // namespace lodestone
