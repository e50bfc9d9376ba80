// Examples of a run as a library, and of the command line.
#include <fstream>

#include <ATen/ops/linear.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples/square_loss.h"
#include "examples/work_folder.h"
#include "trainer/commands/main.h"
#include "trainer/commands/verb.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/ranks.h"
#include "trainer/run/training_run.h"

namespace lodestone::testing {
namespace {

using OwnLoss = losses::SquareLoss;

// Example of trainer/commands/main.h
int main(int argc, char** argv) {
  lodestone::run::Extensions own;
  const auto make = lodestone::make_row<lodestone::losses::Loss, OwnLoss>;
  own.losses = {{.name = "own", .doc = "a loss", .make = make}};
  return lodestone::main(argc, argv, own);
}
// End

TEST(Example, Main) {
  std::string words[] = {"lodestone", "config", "--reference"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(testing::main(3, argv), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), ::testing::HasSubstr("name: \"own\""));
}

}  // namespace
}  // namespace lodestone::testing

namespace lodestone::run {
namespace {

using losses::SquareLoss;

/// One linear layer over the flattened image.
class Tiny : public encoders::Encoder {
  void visit_architecture(Fields&) override {}
  void make(const encoders::InputShape& input, encoders::Parameters& parameters) override {
    weight_ = parameters.uniform("weight", {4, input.channels * input.height * input.width});
  }
  at::Tensor forward(const Features& x, const encoders::ForwardMode&) override {
    return at::linear(x.pixels_nCHW.flatten(1), weight_);
  }
  int64_t output_dim() const override { return 4; }
  at::Tensor weight_;
};

TEST(Example, Extensions) {
  // Example of trainer/run/extensions.h
  Extensions own;
  own.losses = {{.name = "square", .doc = "similarity 1 or 0", .make = make_row<losses::Loss, SquareLoss>}};
  own.encoders = {{.name = "tiny",
                   .doc = "images: one layer",
                   .make = make_row<encoders::Encoder, Tiny>,
                   .images = true}};
  const Tables tables(own);  // for a RunConfig; lodestone::main (trainer/commands/main.h) takes `own`
  // End
  EXPECT_STREQ(tables.losses().back().name, "square");
  EXPECT_EQ(tables.encoders().back().make()->output_dim(), 4);
}

/// Writes run.yaml, a run of two steps on `photos`, which it draws.
void write_run() {
  testing::draw_photos();
  std::ofstream("run.yaml") << "global_batch: 16\nencoder: {name: mlp}\n"
                               "data: {train: {path: photos}, image: {width: 12, height: 10}}\n"
                               "schedule: {steps: 2, warmup_steps: 0}\n";
}

TEST(Example, RunConfigAndDataKind) {
  const testing::WorkFolder work;
  write_run();
  // Example of trainer/run/run_config.h
  RunConfig config{Tables()};  // names of the library, not of extensions
  load_run_config("run.yaml", {"seed=1"}, config);
  // End
  EXPECT_EQ(config.seed, 1);
  EXPECT_EQ(config.global_batch, 16);
  // Example of trainer/run/data_kind.h
  config.data.kind->reads_texts();  // of the kind that data.kind selects
  config.data.kind->open_training(config);
  // End
  EXPECT_EQ(config.data.kind->open_training(config).dataset()->size(), 64);
}

TEST(Example, TrainingRun) {
  const testing::WorkFolder work;
  write_run();
  RunConfig config{Tables()};
  load_run_config("run.yaml", {}, config);
  ::testing::internal::CaptureStdout();
  // Example of trainer/run/training_run.h
  const coordinator::StopSignals signals;
  PromptStop prompt(signals);
  run_on_ranks(config, [&](coordinator::RunContext& context) {
    const PromptStop::Attendance attendance(prompt, context);
    return TrainingRun(config, context, {}, signals, prompt).run();
  });
  // End
  ::testing::internal::GetCapturedStdout();
  EXPECT_TRUE(std::filesystem::exists("runs/run/checkpoints/step-00000002"));
}

}  // namespace
}  // namespace lodestone::run

namespace lodestone::commands {
namespace {

// Example of trainer/commands/verb.h
struct EmbedArguments {
  std::string run, output;
};
int run_embed(const EmbedArguments& arguments, const run::Tables& tables);  // the process's exit code
void add_embed(CLI::App* command, Action& action) {
  auto arguments = on<EmbedArguments>(command, action, run_embed);
  add_path(command, "run", arguments->run, "Run folder or checkpoint")->required();
}
// End

int run_embed(const EmbedArguments& arguments, const run::Tables&) {
  return arguments.run == "runs/faces" ? 0 : 1;
}

TEST(Example, Verb) {
  CLI::App app;
  Action action;
  add_embed(app.add_subcommand("embed"), action);
  app.parse("embed runs/faces");
  EXPECT_EQ(action(run::Tables()), 0);
}

}  // namespace
}  // namespace lodestone::commands
