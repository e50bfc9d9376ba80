#include "distributed/rendezvous/rendezvous.h"

#include <sstream>

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "common/error.h"
#include "distributed/control/seal.h"

namespace lodestone::distributed {

namespace {

constexpr std::chrono::milliseconds kToConnect{3'000};

std::string to_text(const ControlOptions& options) {
  return options.host + " " + std::to_string(options.port) + " " + std::to_string(options.generation) + " " +
         options.token;
}

void read_text(const std::string& text, ControlOptions& options) {
  std::istringstream in(text);
  in >> options.host >> options.port >> options.generation >> options.token;
  if (!in) throw CommError("launch: rank 0 cannot serve the control plane: " + text);
}

}  // namespace

std::shared_ptr<ControlPlane> rendezvous_by_exchange(ControlOptions wanted, const Exchange& exchange) {
  // All ranks are connected by now, so each has loaded its libraries.
  wanted.join_timeout = wanted.peer_timeout + kToConnect;
  if (wanted.rank != 0) {
    read_text(exchange(""), wanted);
    return std::make_shared<ControlPlane>(wanted);
  }
  // The launcher itself excludes strangers, so a token made by rank 0 and sent by this exchange is enough.
  if (wanted.token.empty()) wanted.token = random_token();
  std::shared_ptr<ControlPlane> control;
  try {
    control = std::make_shared<ControlPlane>(wanted);
  } catch (const std::exception& error) {
    exchange(error.what());
    throw;
  }
  exchange(to_text(control->options()));
  return control;
}

std::shared_ptr<ControlPlane> rendezvous_at_master(ControlOptions wanted, const LaunchInfo& info,
                                                   const Environment& environment) {
  if (info.master_address.empty() || info.master_port == 0) {
    throw ConfigError(
        "launch: expected MASTER_ADDR and MASTER_PORT, since " + std::string(name_of(info.launcher)) +
        " does not start MPI; set them to rank 0's host and a free port there, or start with mpirun");
  }
  if (environment("TORCHELASTIC_USE_AGENT_STORE").value_or("") != "True") {
    if (!wanted.loopback) wanted.host = info.master_address;
    wanted.port = info.master_port;
    return std::make_shared<ControlPlane>(wanted);
  }
  c10d::TCPStoreOptions agent;
  agent.port = static_cast<uint16_t>(info.master_port);
  agent.waitWorkers = false;
  const c10::intrusive_ptr<c10d::Store> store =
      c10::make_intrusive<c10d::TCPStore>(info.master_address, agent);
  const Seal seal(wanted.token, wanted.generation);
  const std::string key = seal.key("address");
  if (wanted.rank != 0) {
    const std::string token = wanted.token;
    const auto published = seal.open("address", store->get_to_str(key));
    if (!published)
      throw CommError(
          "launch: rank 0's address in the store of torchrun's agent was not written by a rank of this job; "
          "isolate the job's network and restart the job");
    read_text(*published, wanted);
    wanted.token = token;
    return std::make_shared<ControlPlane>(wanted);
  }
  auto control = std::make_shared<ControlPlane>(wanted);
  ControlOptions published = control->options();
  published.token = "-";  // strangers can read the agent's store
  store->set(key, seal.close("address", to_text(published)));
  return control;
}

}  // namespace lodestone::distributed
