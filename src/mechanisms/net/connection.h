// A connection: a socket with an input buffer, an outbox, one deadline, and TLS if asked.
//
// Belongs to one loop. At most one coroutine waits for it at a time. What waits in the
// outbox when a connection goes is dropped.
//
// With TLS everything below works the same, but for two things. `closed` says that the peer
// has ended its side in words (close_notify); an end without them, which anybody on the way
// could make, is `failed`, and so is what abort() ends. And input that TLS has not opened
// yet is not in input().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "core/address.h"
#include "mechanisms/net/loop.h"
#include "mechanisms/net/task.h"

namespace davy::net {

class TlsClient;
class TlsServer;
class TlsSession;

class Connection {
 public:
  // An idle connection costs this much buffer: 10,000 of them 40 MB.
  static constexpr std::size_t kInitialBuffer = 4 * 1024;

  // Takes the socket over; it must be connected.
  Connection(Socket socket, Loop& loop);
  Connection(Fd socket, Loop& loop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Loop& loop() noexcept { return loop_; }
  // Of the other side; unknown if it is gone.
  [[nodiscard]] Address peer() const;

  // TLS from here on; what is in input() is taken as the begin of it. Nothing may have been
  // written. Set a deadline: these wait for the peer. Of `server` and `client` only the call needs
  // them. After an error, which says what is wrong and never what the peer sent, the connection is
  // plain again and of use only to say so and to end it.
  [[nodiscard]] Task<Result<void>> accept_tls(const TlsServer& server);
  // `host` is the name or address that the peer must prove to be; a name goes there as SNI.
  [[nodiscard]] Task<Result<void>> connect_tls(const TlsClient& client, std::string host);
  [[nodiscard]] bool tls() const noexcept { return tls_ != nullptr; }
  // Why TLS made a read or a write fail: a peer that wants a client certificate, say, may
  // tell so only after the handshake. Nothing where it did not.
  [[nodiscard]] std::optional<Error> tls_trouble() const;
  // What made accept_tls fail was a plain HTTP request.
  [[nodiscard]] bool spoke_plain_http() const noexcept { return spoke_plain_http_; }

  // Bytes that came and were not consumed. Views into it are valid until the next read.
  [[nodiscard]] std::string_view input() const noexcept {
    return {buffer_.get() + begin_, end_ - begin_};
  }
  void consume(std::size_t bytes) noexcept;
  // Makes room for `bytes` of input in one piece, so that a body of known length is
  // never moved again.
  void reserve(std::size_t bytes);
  // Gives a grown buffer back; call it between exchanges.
  void shrink();

  // Waits until at least one more byte is in input(). May let others run first though
  // bytes are there.
  [[nodiscard]] Task<Io> read_more();
  // Writes as much as the kernel takes at once, of `first` and then `second`; takes what
  // went out off their fronts. Most messages go whole, and then nothing has to wait:
  //   if (!c.write_now(a, b)) io = co_await c.write(a, b);
  // True: both are empty now and nothing waits. An error shows in the write that follows.
  [[nodiscard]] bool write_now(std::string_view& first, std::string_view& second) noexcept;
  // Writes all of both.
  [[nodiscard]] Task<Io> write(std::string_view first, std::string_view second = {});

  // Small messages that need not be waited for: append to outbox(), then send_soon(). They
  // go out when the loop's round ends, in order with what write() writes later. What the
  // kernel does not take at once follows when it can; look at output_waits() before more
  // is put there, and write() it before the connection goes. An error aborts the
  // connection, and output_failed() tells.
  static constexpr std::size_t kSmallOutput = 16 * 1024;
  // `secret`: the memory is wiped once it was sent or dropped. Whoever makes it grow (see
  // append_wiping) wipes what that leaves behind.
  [[nodiscard]] std::string& outbox(bool secret = false);
  void send_soon();
  [[nodiscard]] bool output_waits() const noexcept { return !outbox_.empty(); }
  // It waits, and not one byte of it was sent.
  [[nodiscard]] bool nothing_sent() const noexcept {
    return output_waits() && sent_ == 0 && !begun_;
  }
  // Not all of what send_soon() was given was taken by the kernel.
  [[nodiscard]] bool output_failed() const noexcept { return output_failed_; }

  // Reads and writes after this point end with timed_out. Replaces the one before.
  void deadline_in(std::chrono::nanoseconds time) noexcept;
  // The same for reads alone: when one has ended so, an answer can still be written.
  void read_deadline_in(std::chrono::nanoseconds time) noexcept;
  void no_deadline() noexcept { timer_.clear(); }

  // A number of the upstream pool's.
  void set_generation(std::uint32_t generation) noexcept { generation_ = generation; }
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }

  // Whether the peer has neither ended the connection nor sent what nobody asked for, as far
  // as the loop was told by the begin of this round; an idle upstream connection must not
  // be used again otherwise.
  [[nodiscard]] bool usable_while_idle() noexcept;
  // Whether nothing can be sent to the peer any more, as far as the loop was told.
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  // Calls `told` each time the loop is told that the peer has sent something or ended its
  // side, while no coroutine waits to read: what waits for another connection learns so
  // that it waits in vain. It must not destroy this connection. Null: no more.
  using Told = void (*)(void* context) noexcept;
  void watch(Told told, void* context) noexcept {
    told_ = told;
    told_context_ = context;
  }
  // The peer may have ended its side: peer_ended() knows.
  [[nodiscard]] bool ending() const noexcept { return ending_; }
  // Whether the peer has ended its side and nothing that it sent waits in the kernel.
  // A peer that only stopped writing looks the same. One system call, never waits.
  [[nodiscard]] bool peer_ended() noexcept;

  // Whether the peer has sent what read_more() has not seen. One system call, never waits.
  [[nodiscard]] bool input_waits() const noexcept;

  // Orderly: says that no more comes. Not while output waits. Safe to repeat.
  void shut_down_writing() noexcept;
  // Ends whatever waits on this connection with `closed`, at once, and sends nothing more.
  void abort() noexcept;

 private:
  friend class Loop;
  friend class Poller;
  friend struct TlsWire;
  // Who waits: a coroutine of this loop.
  using Waiter = asio::async_result<asio::use_awaitable_t<Executor>, void()>::handler_type;

  // Called by the poller: what can be done now, as epoll says it. May destroy the connection.
  void tell(std::uint32_t events);
  void abandon() noexcept;
  [[nodiscard]] static std::optional<Waiter> take(std::optional<Waiter>& place);
  [[nodiscard]] Task<void> wait(std::optional<Waiter>& place);
  // Of the socket, into `data`: how many bytes, 0 at its end, kNothingNow or kReadError
  // (errno says which).
  static constexpr ssize_t kNothingNow = -1;
  static constexpr ssize_t kReadError = -2;
  [[nodiscard]] ssize_t receive(char* data, std::size_t room) noexcept;
  // Takes what has come; nothing: it must be waited for.
  [[nodiscard]] std::optional<Io> read_now();
  // The same, and those that follow, with TLS.
  [[nodiscard]] std::optional<Io> open_now();
  [[nodiscard]] bool write_sealed(std::string_view& first, std::string_view& second) noexcept;
  // Makes records of the outbox, all of which is plain text, and sends them. False: an error.
  bool seal_outbox() noexcept;
  // Sends a record that TLS has made; what the kernel does not take waits in the outbox.
  void send_record(std::string_view record) noexcept;
  // Into the outbox, before what is plain text there.
  void put_sealed(std::string_view record);
  // Takes the sealed part, which was sent, off the outbox.
  void drop_sealed();
  [[nodiscard]] Task<Result<void>> shake_hands();
  // Sends as much of the outbox as the kernel takes now. False: an error, now or before.
  bool flush() noexcept;
  void clear_outbox() noexcept;
  static void fire(void* context) noexcept;
  [[nodiscard]] Io classify(int error) const noexcept;
  void make_room();
  void grow(std::size_t capacity);

  Loop& loop_;
  Fd fd_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  TimerWheel::Timer timer_;
  std::optional<Waiter> reader_;
  std::optional<Waiter> writer_;
  std::uint64_t last_read_ = 0;  // in which round
  bool readable_ = false;        // perhaps: a read may give bytes, an error or the end
  bool ending_ = false;          // the peer has ended its side, sent urgent bytes, or an error
  bool broken_ = false;
  bool timed_out_ = false;
  bool reads_alone_ = false;  // the deadline is of reads
  bool in_round_ = false;     // the loop will call flush()
  bool output_failed_ = false;
  bool secret_output_ = false;
  bool output_counted_ = false;  // by the loop
  int write_error_ = 0;          // of the last write, as errno
  std::uint32_t generation_ = 0;
  Told told_ = nullptr;
  void* told_context_ = nullptr;
  std::string outbox_;
  std::size_t sent_ = 0;  // of outbox_
  // With TLS: how much of outbox_ is sealed; what follows is still plain text.
  std::size_t sealed_ = 0;
  bool begun_ = false;  // of what waited in the outbox, a part was sent that is not there now
  bool shut_when_sent_ = false;
  bool spoke_plain_http_ = false;
  std::unique_ptr<TlsSession> tls_;
  // In the poller's list; previous_ is null outside of it.
  Connection* next_ = nullptr;
  Connection** previous_ = nullptr;
};

}  // namespace davy::net
