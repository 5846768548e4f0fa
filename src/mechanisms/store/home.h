// The home: the folder with everything that outlives the process.
//
//   format        home_format.h
//   lock          flock'ed by the one process that writes; holds its pid as text
//   state.sqlite  sqlite_state_store.h
//   events.jsonl  jsonl_events.h
//   davy.sock     order_socket.h, while a server runs
//   pepper        access/keys, unless configured elsewhere
//
// The folder has mode 0700, its files 0600.
//
// After a hand-over (hand_over.h) the server that was relieved appends the events of what it
// still has under way, and reads the state; it writes nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/result.h"
#include "mechanisms/store/home_format.h"

namespace davy::store {

inline constexpr char kStateFile[] = "state.sqlite";
inline constexpr char kEventsFile[] = "events.jsonl";
inline constexpr char kSocketFile[] = "davy.sock";
inline constexpr char kLockFile[] = "lock";
inline constexpr char kPepperFile[] = "pepper";

// An open home, with or without its lock. Reading calls are thread-safe.
class Home {
 public:
  // Opens a home that is there. Invalid input: no folder, no home in it, an older format, a
  // newer one that this davy cannot read, or a mode that lets others in.
  [[nodiscard]] static Result<Home> open(const std::string& path);
  // For `davy upgrade` alone: any format up to ours, and any mode.
  [[nodiscard]] static Result<Home> open_for_upgrade(const std::string& path);
  // The same, but makes one where there is nothing or an empty folder (its parent must
  // be there). A folder with other things in it is refused: it may be a mistyped path.
  [[nodiscard]] static Result<Home> open_or_create(const std::string& path);

  // A newer one than ours may be read and not written.
  [[nodiscard]] const HomeFormat& format() const noexcept { return format_; }
  // Absolute, without symbolic links.
  [[nodiscard]] const std::string& path() const noexcept { return folder_.path(); }
  [[nodiscard]] const Folder& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string file(const char* name) const { return path() + "/" + name; }

 private:
  [[nodiscard]] static Result<Home> find(const std::string& path);
  Home(Folder folder, HomeFormat format) : folder_(std::move(folder)), format_(format) {}
  Folder folder_;
  HomeFormat format_;
};

// Whether nothing lies in the folder but what file systems and crashes leave.
[[nodiscard]] Result<bool> is_vacant(const Folder& folder);

// As root, in a folder of somebody else's: what root has made in it becomes the folder's
// owner's. Else it does nothing.
void give_to_owner(int folder) noexcept;

// The right to write a home, held until destroyed. Across processes and within one. Where
// root held it in a home of somebody else's, the files that it made go to that one then: a
// service could not open what an administrator's command left there.
class HomeLock {
 public:
  // Tries for `patience`, then refuses with a sentence that names the path and the
  // process that holds it (unavailable). A command holds the lock for an order only, so
  // a server that starts should be patient for a second or two. A home of another format
  // than ours is not written: invalid_input.
  [[nodiscard]] static Result<HomeLock> take(const Home& home,
                                             std::chrono::milliseconds patience = {});
  // For `davy upgrade` alone: whatever the format.
  [[nodiscard]] static Result<HomeLock> take_for_upgrade(const Home& home);
  // `lock` is the descriptor of a process that holds it: one lock then belongs to both, until
  // each has closed its own. invalid_input: it is no such descriptor.
  [[nodiscard]] static Result<HomeLock> adopt(const Home& home, Fd lock);
  // Writes into it which process holds it, as take() does; adopt() does not.
  [[nodiscard]] Result<void> sign() const;

  HomeLock(HomeLock&&) noexcept = default;
  HomeLock& operator=(HomeLock&&) = delete;
  ~HomeLock();

  // For a process that is to adopt it.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  [[nodiscard]] static Result<HomeLock> lock(const Home& home, std::chrono::milliseconds patience);
  HomeLock(const Home& home, Fd fd);
  Fd fd_;
  Fd folder_;  // only where files may have to be given away
};

}  // namespace davy::store
