#include "trainer/http/answer_threads.h"

#include <system_error>
#include <utility>

#include <boost/asio/post.hpp>

namespace lodestone::http {

AnswerThreads::AnswerThreads(size_t most) : most_(most) {
  start();
}

void AnswerThreads::start() {
  threads_.emplace_back([this] { io_.run(); });
}

void AnswerThreads::post(std::function<void()> work) {
  if (++busy_ > threads_.size() && threads_.size() < most_) try {
      start();
    } catch (const std::system_error&) {  // no further thread can be started: the existing ones do the work
    }
  boost::asio::post(io_, [this, work = std::move(work)] {
    work();
    --busy_;
  });
}

void AnswerThreads::join() {
  more_.reset();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace lodestone::http
