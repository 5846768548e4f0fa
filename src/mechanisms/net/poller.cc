#include "mechanisms/net/poller.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mechanisms/net/connection.h"

namespace davy::net {

Poller::Poller(asio::io_context& context) : set_(::epoll_create1(EPOLL_CLOEXEC)) {
  const int copy = set_.valid() ? ::fcntl(set_.get(), F_DUPFD_CLOEXEC, 0) : -1;
  if (copy < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  descriptor_ = std::make_unique<Descriptor>(context.get_executor(), copy);
}

Poller::~Poller() = default;

void Poller::start(std::function<void()> round_ended) {
  round_ended_ = std::move(round_ended);
  wait();
}

void Poller::wait() {
  descriptor_->async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    round();
    wait();
  });
}

void Poller::round() {
  const int ready = ::epoll_wait(set_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  told_ = 0;
  ready_ = static_cast<std::size_t>(std::max(ready, 0));
  in_round_ = true;
  ++rounds_;
  while (told_ < ready_) {
    const epoll_event event = events_[told_++];
    if (event.data.ptr != nullptr) static_cast<Connection*>(event.data.ptr)->tell(event.events);
  }
  in_round_ = false;
  round_ended_();
}

bool Poller::add(Connection& connection) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &connection;
  if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, connection.fd_.get(), &event) != 0) return false;
  connection.next_ = first_;
  connection.previous_ = &first_;
  if (first_ != nullptr) first_->previous_ = &connection.next_;
  first_ = &connection;
  return true;
}

void Poller::remove(Connection& connection) noexcept {
  if (connection.previous_ == nullptr) return;
  *connection.previous_ = connection.next_;
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
  connection.previous_ = nullptr;
  // Closing its descriptor would take it out of the set too, were there no copy of it.
  (void)::epoll_ctl(set_.get(), EPOLL_CTL_DEL, connection.fd_.get(), nullptr);
  for (std::size_t i = told_; i < ready_; ++i) {
    if (events_[i].data.ptr == &connection) events_[i].data.ptr = nullptr;
  }
}

void Poller::abandon() noexcept {
  descriptor_.reset();
  // Asio ends a coroutine that nobody resumes through its executor: later, with the
  // context. So none of these goes within this loop.
  for (Connection* each = first_; each != nullptr; each = each->next_) each->abandon();
}

}  // namespace davy::net
