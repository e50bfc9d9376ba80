// CPU tensors over MPI. The backends of all groups share one MpiEngine, the only thread that calls MPI
// between MPI_Init and MPI_Finalize.

#include <mpi.h>

#include "common/error.h"
#include "distributed/backends/mpi_calls.h"

namespace lodestone {

namespace {

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

  void carry(Call call) override {
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

  void poison(const std::string&) override {
  }  // the engine sees the context's failure, peers the control plane's

 private:
  MPI_Comm comm_;
  const std::shared_ptr<MpiEngine> engine_;
  const std::shared_ptr<const Members> for_tasks_;  // tasks may outlive this object
  std::atomic<uint64_t> calls_{0};
};

class Runtime : public MpiRuntime {
 public:
  Runtime() : engine_(std::make_shared<MpiEngine>()) {
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

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  MpiPlace place() override {
    MpiPlace place;
    engine_->run_there([&] {
      MPI_Comm here = MPI_COMM_NULL;
      check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here),
                "MPI_Comm_split_type");
      MPI_Comm_rank(here, &place.local_rank);
      MPI_Comm_size(here, &place.local_world);
      MPI_Comm_free(&here);
    });
    return place;
  }

  std::string exchange(const std::string& text) override {
    std::string shared = text;
    engine_->run_there([&] {
      auto length = static_cast<int>(shared.size());
      check_mpi(MPI_Bcast(&length, 1, MPI_INT, 0, MPI_COMM_WORLD), "MPI_Bcast");
      shared.resize(static_cast<size_t>(length));
      check_mpi(MPI_Bcast(shared.data(), length, MPI_CHAR, 0, MPI_COMM_WORLD), "MPI_Bcast");
    });
    return shared;
  }

  c10::intrusive_ptr<Transport> world(Members members) override {
    const auto comm = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
    engine_->run_there(
        [comm] {
          check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, comm.get()), "MPI_Comm_dup");
          check_mpi(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
        },
        members.context.get());
    return c10::make_intrusive<MpiTransport>(std::move(members), *comm, engine_);
  }

  void close(bool failed) override {
    engine_->stop(failed);
    if (!failed) MPI_Finalize();
  }

 private:
  const std::shared_ptr<MpiEngine> engine_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

std::unique_ptr<MpiRuntime> start_mpi() {
  return std::make_unique<Runtime>();
}

}  // namespace lodestone
