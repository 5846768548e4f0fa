// Asio with concrete types: no type-erased executor on the hot path.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>

namespace davy::net {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

template <class T>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> kAwait{};

// How an operation on a connection ended.
enum class Io : std::uint8_t {
  ok,
  closed,     // the peer ended or reset the connection
  timed_out,  // its deadline passed
  failed,     // anything else
};

}  // namespace davy::net
