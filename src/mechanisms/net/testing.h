// For tests only: a plain blocking client on loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace davy::net::testing {

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, static_cast<sockaddr*>(static_cast<void*>(&to)), sizeof to) == 0;
  }
  virtual ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  virtual bool send(std::string_view data) {
    return ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(data.size());
  }
  // Says that no more comes; what the other side sends can still be read.
  virtual void tell_end() { ::shutdown(fd_, SHUT_WR); }
  // What comes next, at most `room` bytes; 0 or less: nothing more comes.
  virtual ssize_t receive(char* to, std::size_t room) { return ::recv(fd_, to, room, 0); }
  // What has come once `until` is in it; all that came if the other side ends before.
  std::string read_until(std::string_view until) {
    char part[64 * 1024];
    std::size_t looked = 0;  // `until` does not begin before this
    while (until.empty() || seen_.find(until, looked) == std::string::npos) {
      looked = seen_.size() - std::min(seen_.size(), until.size());
      const ssize_t got = receive(part, sizeof part);
      if (got <= 0) break;
      seen_.append(part, static_cast<std::size_t>(got));
    }
    return seen_;
  }
  std::string read_to_end() { return read_until(""); }

 protected:
  int fd_;
  bool connected_ = false;

 private:
  std::string seen_;
};

// Sends `request` and reads until the server ends the connection.
inline std::string talk(std::uint16_t port, std::string_view request) {
  Client client(port);
  if (!client.connected() || !client.send(request)) return "";
  return client.read_to_end();
}

}  // namespace davy::net::testing
