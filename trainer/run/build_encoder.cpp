#include "trainer/run/build_encoder.h"

#include "common/files.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/coordinator/checkpoints/snapshot.h"

namespace lodestone::run {

encoders::InputShape input_shape(const RunConfig& config) {
  return config.data.kind->input_shape(config);
}

void build_encoder(const RunConfig& config, encoders::Encoder& encoder) {
  if (!config.code.allowed && !encoder.code().empty())
    throw ConfigError(
        "encoder.file: expected a configuration that may load code, got one that may not; name the file "
        "yourself");
  encoder.pin_files(config.code.hash_of);
  encoder.build(input_shape(config), static_cast<uint64_t>(config.seed));
}

void restore_model(const coordinator::Snapshot& snapshot, const RunConfig& config) {
  const std::string file = config.data.resolved(config.data.text.tokenizer.path);
  coordinator::check_vocabulary(snapshot, config.data.kind->reads_texts() ? checksum(read_file(file)) : "",
                                file);
  coordinator::restore_weights(snapshot, *config.encoder);
}

void log_remarks(const encoders::Encoder& encoder, const coordinator::RunContext& context, bool training) {
  if (!context.is_main_rank()) return;
  for (const auto& sentence : encoder.remarks(context.launch.device(), training))
    context.log->warn("{}", sentence);
}

}  // namespace lodestone::run
