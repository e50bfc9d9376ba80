#include "distributed/backends/mpi_runtime.h"

#include <atomic>
#include <utility>

#include <mpi.h>

#include "common/error.h"
#include "distributed/backends/mpi_calls.h"
#include "distributed/rendezvous/rendezvous.h"

namespace lodestone::distributed {

namespace {

// CPU tensors over MPI. The transports of all groups share one MpiEngine, the only thread that calls MPI
// between MPI_Init and MPI_Finalize.
class MpiTransport : public Transport {
 public:
  MpiTransport(Members members, MPI_Comm comm, std::shared_ptr<MpiEngine> engine)
      : Transport(std::move(members)),
        comm_(comm),
        engine_(std::move(engine)),
        for_tasks_(std::make_shared<const Members>(members_)) {}

  ~MpiTransport() override {
    if (!engine_->running() || members_.context->failure()) return;
    try {
      engine_->run_there([this] { MPI_Comm_free(&comm_); });
    } catch (const std::exception&) {
      // The launch has ended meanwhile; MPI_Finalize frees the rest.
    }
  }

  void submit(Call call) override {
    MpiTask task;
    task.members = for_tasks_;
    task.work = call.work;
    task.peer = call.peer;
    const bool message = call.kind == c10d::OpType::SEND || call.kind == c10d::OpType::RECV;
    plan_call(task, call, comm_, rank_, members_.options.max_chunk);
    if (!message) task.number = ++calls_;
    engine_->submit(std::move(task));
  }

  c10::intrusive_ptr<Transport> subgroup(Members members, const std::vector<int>& positions) override {
    const auto child = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
    engine_->run_there(
        [child, positions, parent = comm_] {
          MPI_Group all = MPI_GROUP_NULL, some = MPI_GROUP_NULL;
          check_mpi(MPI_Comm_group(parent, &all), "MPI_Comm_group");
          check_mpi(MPI_Group_incl(all, static_cast<int>(positions.size()), positions.data(), &some),
                    "MPI_Group_incl");
          check_mpi(MPI_Comm_create_group(parent, some, 0, child.get()), "MPI_Comm_create_group");
          check_mpi(MPI_Comm_set_errhandler(*child, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
          MPI_Group_free(&some);
          MPI_Group_free(&all);
        },
        members.context.get());
    return c10::make_intrusive<MpiTransport>(std::move(members), *child, engine_);
  }

  void abort_calls(const std::string&) override {
  }  // the engine sees the context's failure, peers the control plane's

 private:
  MPI_Comm comm_;
  const std::shared_ptr<MpiEngine> engine_;
  const std::shared_ptr<const Members> for_tasks_;  // tasks may outlive this object
  std::atomic<uint64_t> calls_{0};
};

void check_world(int rank, int size, LaunchInfo& info) {
  if (info.world != 0 && (size != info.world || rank != info.rank)) {
    throw ConfigError("launch: " + std::string(name_of(info.launcher)) + " says rank " +
                      std::to_string(info.rank) + " of " + std::to_string(info.world) + ", MPI says rank " +
                      std::to_string(rank) + " of " + std::to_string(size) +
                      "; the launcher does not match this program's MPI: use the mpirun of the MPI that it "
                      "was built with, or srun --mpi=pmix");
  }
  info.rank = rank;
  info.world = size;
}

}  // namespace

MpiRuntime::MpiRuntime() : engine_(std::make_shared<MpiEngine>()) {
  int provided = MPI_THREAD_SINGLE;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) {
    throw ConfigError("mpi: MPI_Init_thread failed; start the job with mpirun or srun --mpi=pmix");
  }
  if (provided < MPI_THREAD_SERIALIZED) {
    MPI_Finalize();
    throw ConfigError("mpi: expected an MPI that grants MPI_THREAD_SERIALIZED, got level " +
                      std::to_string(provided) + "; use an MPI built with thread support");
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  engine_->start();
}

MpiRuntime::MpiRuntime(LaunchInfo& info) : MpiRuntime() {
  check_world(rank_, size_, info);
  if (info.local_world == 0) find_place(info);
}

MpiRuntime::~MpiRuntime() {
  close(/*failed=*/true);
}

// All ranks have the same launcher, so all ranks ask or none.
void MpiRuntime::find_place(LaunchInfo& info) {
  engine_->run_there([&] {
    MPI_Comm here = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here),
              "MPI_Comm_split_type");
    MPI_Comm_rank(here, &info.local_rank);
    MPI_Comm_size(here, &info.local_world);
    MPI_Comm_free(&here);
  });
}

std::string MpiRuntime::exchange(const std::string& text) {
  std::string shared = text;
  engine_->run_there([&] {
    auto length = static_cast<int>(shared.size());
    check_mpi(MPI_Bcast(&length, 1, MPI_INT, 0, MPI_COMM_WORLD), "MPI_Bcast");
    shared.resize(static_cast<size_t>(length));
    check_mpi(MPI_Bcast(shared.data(), length, MPI_CHAR, 0, MPI_COMM_WORLD), "MPI_Bcast");
  });
  return shared;
}

std::shared_ptr<ControlPlane> MpiRuntime::rendezvous(ControlOptions wanted) {
  return rendezvous_by_exchange(std::move(wanted),
                                [this](const std::string& text) { return exchange(text); });
}

c10::intrusive_ptr<Transport> MpiRuntime::world(Members members) {
  const auto comm = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
  engine_->run_there(
      [comm] {
        check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, comm.get()), "MPI_Comm_dup");
        check_mpi(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
      },
      members.context.get());
  return c10::make_intrusive<MpiTransport>(std::move(members), *comm, engine_);
}

void MpiRuntime::close(bool failed) {
  if (std::exchange(closed_, true)) return;
  engine_->stop(failed);
  if (!failed) MPI_Finalize();
}

}  // namespace lodestone::distributed
