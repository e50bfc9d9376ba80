#include <filesystem>

#include "common/files.h"
#include "common/safetensors.h"
#include "trainer/commands/checkpoint_config.h"
#include "trainer/commands/command.h"
#include "trainer/commands/model_card.h"
#include "trainer/commands/session.h"
#include "trainer/commands/state.h"
#include "trainer/encoders/torchscript_export.h"

namespace lodestone {

namespace {

// What a reader of the file needs besides the weights.
std::map<std::string, std::string> description(RunConfig& config, const Checkpoint& checkpoint) {
  return {{"format", "pt"},
          {"encoder", write_yaml([&](Fields& f) {
             f.slot({"encoder", ""}, config.encoder);
           })},
          {"data", write_yaml([&](Fields& f) { config.data.visit(f); })},
          {"normalize", config.normalize ? "true" : "false"},
          {"step", std::to_string(checkpoint.step)},
          {"lodestone", LODESTONE_VERSION}};
}

TensorMap tensors_of(const Parameters& parameters) {
  TensorMap tensors;
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) tensors[parameter.name] = parameter.tensor.detach();
  return tensors;
}

}  // namespace

int run_export(const ExportArguments& arguments) {
  const Log log = make_log(0, 1);
  const Checkpoint checkpoint =
      load_checkpoint(arguments.run, [&](const std::string& sentence) { log->warn("{}", sentence); });
  RunConfig config;
  read_checkpoint_config(checkpoint, {}, arguments.allow_code, config);
  build_encoder(config, *config.encoder);
  restore_model(checkpoint.snapshot, config);
  const std::filesystem::path output(arguments.output);
  const auto card = arguments.card.empty() ? std::filesystem::path(output).replace_extension(".md")
                                           : std::filesystem::path(arguments.card);
  const std::string card_text = model_card(config, checkpoint,
                                           {.file = output.filename().string(),
                                            .format = arguments.format,
                                            .license = arguments.license,
                                            .data_license = arguments.data_license,
                                            .measures = arguments.measures});
  const auto about = description(config, checkpoint);
  if (arguments.format == "safetensors") {
    write_safetensors(arguments.output, tensors_of(config.encoder->parameters()), about);
  } else {
    export_torchscript(*config.encoder, input_shape(config), arguments.output, about);
  }
  write_file_atomic(card, card_text);
  log->info("{}: {} of step {}, {} parameters, embeddings of width {}; model card: {}", arguments.output,
            config.encoder.name(), checkpoint.step, config.encoder->parameters().count(),
            config.encoder->output_dim(), card.string());
  return kDone;
}

}  // namespace lodestone
