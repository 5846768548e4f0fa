// Dialects: how one family of model APIs writes requests, answers, streams and errors.
//
// A dialect cuts bodies into the segments of core/segment.h and splices edits back into
// the original bytes: what no edit touches stays as it came, byte for byte (0.7 stays
// 0.7, key order, white space and unknown fields too). So no pillar knows a vendor.
//
// A Dialect is immutable and thread-safe; what it makes belongs to one exchange at a
// time. Documents are reusable: read() ends all views of the one before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "core/finding.h"
#include "core/segment.h"
#include "mechanisms/formats/json_text.h"

namespace davy::dialects {

// How the bodies of a route are read.
enum class Reading : std::uint8_t {
  documents,  // by make_request, make_answer and make_stream
  none,       // no body in the request; what comes back was not made by a model (health, state)
  opaque,     // by nobody: counts as not examined. Also upgrades to WebSocket
  catalogue,  // answered by the gateway itself, with catalogue()
};

// Where the caller names the model.
enum class Names : std::uint8_t { body, path, query };

// Route::upstream_path of an API that has one address: the upstream's base path is it.
inline constexpr std::string_view kNothing = "=";

// What a dialect serves. The texts live as long as the dialect.
//
// In `path`, "{model}" stands for one segment that names the model, "{}" for any one
// segment, and a final "*" for all that follows, also nothing.
struct Route {
  std::string_view method;  // "POST"; "*" = any
  std::string_view path;    // "/v1/chat/completions"
  // Goes after the upstream's base path: "/chat/completions", or kNothing. Empty: the path
  // of the request as it came, below the model's own base.
  std::string_view upstream_path;
  std::uint8_t operation = 0;  // which documents; below Dialect::operations()
  Reading reading = Reading::documents;
  Names names = Names::body;
};

struct Usage {
  std::uint64_t prompt_tokens = 0;  // all of them, those from a cache too
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_prompt_tokens = 0;  // of prompt_tokens, read from the provider's cache
  bool operator==(const Usage&) const = default;
};

// Replaces bytes of one stream of an answer: `span` is in its decoded offsets.
struct StreamEdit {
  StreamKey key;
  Span span;
  std::string replacement;
};

// Marks the segment of a key. No pointer of a value holds it: RFC 6901 knows only ~0, ~1.
inline constexpr std::string_view kKeySuffix = "~key";

// What else changes in a body on its way upstream.
struct Rewrite {
  // In place of the caller's; put in where the body may name one and does not. Empty: as it is.
  std::string_view model;
  bool ask_for_usage = false;  // only where RequestDocument::lacks_usage()
};

// A request body.
class RequestDocument {
 public:
  virtual ~RequestDocument() = default;

  // Whether the path or the host names the model, so that the body need not. To be said
  // before each read.
  virtual void named_elsewhere(bool) noexcept {}

  // `body` must stay where it is until the next read. Errors: invalid_input (answer
  // 400) and limit (413); they name the place and never repeat content.
  [[nodiscard]] virtual Result<void> read(std::string_view body) = 0;

  // In place of read() where nobody wants the text: as strict, but afterwards there are no
  // segments, and bytes_not_examined() is 0.
  [[nodiscard]] virtual Result<void> read_account(std::string_view body) = 0;

  // The rest only after a read that was ok. Views live until the next read.
  [[nodiscard]] virtual std::string_view model()
      const noexcept = 0;  // decoded; empty: not in the body
  [[nodiscard]] virtual bool stream() const noexcept = 0;
  // What the caller allows the model to write, in tokens a choice; nothing = not said.
  [[nodiscard]] virtual std::optional<std::uint64_t> max_output_tokens() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t choices() const noexcept = 0;  // how many answers, >= 1
  // All text that reaches the model, in the order of the body, also of fields that the
  // dialect does not know. An object key that is not a plain identifier is a segment
  // too: its pointer is the member's with kKeySuffix after it. Binary parts have no text.
  [[nodiscard]] virtual std::span<const Segment> segments() const noexcept = 0;
  // Of images, audio and files, inline or by reference.
  [[nodiscard]] virtual std::uint64_t bytes_not_examined() const noexcept = 0;
  // It asks for a stream whose token usage the upstream tells only on request.
  [[nodiscard]] virtual bool lacks_usage() const noexcept = 0;
  // As it stands in the JSON text: what an answer must repeat so that the caller knows
  // which of its calls it ends. Empty in dialects without; also after a failed read.
  [[nodiscard]] virtual std::string_view call_id() const noexcept { return {}; }

  // The body with the edits and the rewrite. Spans are in the segments' decoded text; they must be
  // disjoint for one pointer, in any order, and are widened to whole characters. No
  // edits give the same bytes. Error: internal, if an edit names no text.
  [[nodiscard]] virtual Result<std::string> apply(std::span<const Edit> edits,
                                                  const Rewrite& rewrite = {}) const = 0;
};

// The body of a whole answer.
class AnswerDocument {
 public:
  virtual ~AnswerDocument() = default;

  // As RequestDocument::read; an error means that the upstream sent what we cannot read.
  [[nodiscard]] virtual Result<void> read(std::string_view body) = 0;

  // In place of read() for an answer whose text nobody wants: afterwards only usage() and
  // finish_reason() are there, as after read(). What else the body holds is not checked.
  [[nodiscard]] virtual Result<void> read_account(std::string_view body) = 0;

  // Every stream begins at offset 0 and ends here: the last piece of each has `last`.
  [[nodiscard]] virtual std::span<const StreamSegment> segments() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t bytes_not_examined() const noexcept = 0;
  [[nodiscard]] virtual std::optional<Usage> usage() const noexcept = 0;
  // Of the first choice that says one; empty if none does.
  [[nodiscard]] virtual std::string_view finish_reason() const noexcept = 0;

  // As RequestDocument::apply.
  [[nodiscard]] virtual Result<std::string> apply(std::span<const StreamEdit> edits) const = 0;
};

// One event of a streamed answer, with its own memory: it may be held while later ones
// come. Move it, or hand it to next() again to reuse the memory.
struct StreamEvent {
  std::string raw;                      // goes to the client as it is if nothing is edited
  std::vector<StreamSegment> segments;  // views into `memory` and `data`
  std::string finish_reason;            // of this event; empty if it has none
  std::optional<Usage> usage;
  std::uint64_t bytes_not_examined = 0;  // data that is not JSON, audio
  bool done = false;  // the end was announced; `segments` holds the last piece of each stream

  // The reader's own: the JSON text, where each segment stands in it, and which bytes
  // repeat the text of a choice.
  struct Echo {
    std::uint32_t choice = 0;
    Span source;
  };
  std::vector<char> data;
  std::vector<Span> sources;
  std::vector<Echo> echoes;
  std::uint32_t mark = 0;  // how far the answer was
  json::Arena memory;
};

// The streamed answer of one exchange.
class StreamReader {
 public:
  virtual ~StreamReader() = default;

  // Starts on a new answer. `drop_usage_event`: the caller did not ask for the event that
  // tells the usage alone, so its `raw` becomes empty.
  virtual void reset(bool drop_usage_event) = 0;
  // The RequestDocument::call_id of the request, for cut(). Copies it.
  virtual void answers(std::string_view) {}
  // Any split of the bytes gives the same events. Copies them.
  virtual void feed(std::string_view bytes) = 0;
  // The next complete event; false if more bytes are needed. Bytes after the announced
  // end are dropped. Errors: invalid_input, limit; then the stream must be cut.
  [[nodiscard]] virtual Result<bool> next(StreamEvent& out) = 0;
  // After the last byte, when next() gave false: what is left as one event (its `raw`
  // may be empty) with the last piece of each stream. False if there was a `done`.
  [[nodiscard]] virtual Result<bool> finish(StreamEvent& out) = 0;
  // After an error of one of these: the bytes that were fed and that no event gave, for
  // whoever can do without the reader and passes them on.
  [[nodiscard]] virtual std::string_view unread() const noexcept = 0;

  // The bytes of `event` with those parts of `edits` that lie in it. An edit over
  // several events leaves its replacement where it begins and nothing in the others;
  // an insertion goes to the event that holds the byte before it. To be called for each
  // event as it goes out, in their order, or for none.
  [[nodiscard]] virtual Result<std::string> apply(const StreamEvent& event,
                                                  std::span<const StreamEdit> edits) = 0;

  // What ends a stream early so that clients see an orderly end: for each choice that went
  // out, an event that gives a content filter as the reason, then the announced end.
  [[nodiscard]] virtual std::string cut() const = 0;
};

// A refusal or failure as we tell it to the caller. No content, no secret.
struct Problem {
  int status = 500;
  std::string code;       // for programs: "policy_denied", "model_not_found"
  std::string title;      // a few words, the same for each problem of its kind
  std::string detail;     // one sentence on this one
  std::string next_step;  // what the caller can do
  std::string request_id;
  std::string call_id;  // RequestDocument::call_id
  std::string rule;     // the rest may be empty
  std::string stage;
  std::string policy;  // digest
};

// DESIGN section 4, `denial_detail`.
enum class Detail : std::uint8_t {
  full,
  minimal,  // status and request id alone: details teach an attacker
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;  // as in `models:`
  // Of the gateway as a whole; the first that fits counts.
  [[nodiscard]] virtual std::span<const Route> routes() const noexcept = 0;
  // Below the base of a model of this dialect: "/models/NAME", or its host.
  [[nodiscard]] virtual std::span<const Route> model_routes() const noexcept = 0;
  // Those of their paths that a model serves whose configuration lists none, as patterns;
  // empty: all.
  [[nodiscard]] virtual std::span<const std::string_view> usual_paths() const noexcept {
    return {};
  }
  // Whether a parameter of that name may stand in a query: settings, never text.
  [[nodiscard]] virtual bool plain_parameter(std::string_view name) const noexcept = 0;

  // Whether a field of a request's head repeats text or the size of its body: it stays here
  // where a stage has edited that.
  [[nodiscard]] virtual bool repeats_body(std::string_view) const noexcept { return false; }

  // `operation` of the route, below operations().
  [[nodiscard]] virtual std::size_t operations() const noexcept = 0;
  [[nodiscard]] virtual std::unique_ptr<RequestDocument> make_request(
      std::uint8_t operation) const = 0;
  [[nodiscard]] virtual std::unique_ptr<AnswerDocument> make_answer(
      std::uint8_t operation) const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamReader> make_stream(std::uint8_t operation) const = 0;

  // The list of models as this dialect's SDKs read it; for one alone see `only`: then the
  // object of models[0].
  [[nodiscard]] virtual std::string catalogue(std::span<const std::string_view> models,
                                              bool only) const = 0;

  // One JSON text that is both an RFC 9457 problem and the error object which the dialect's
  // SDKs read; to be sent as the media type which they look at.
  [[nodiscard]] virtual std::string error_body(const Problem& problem, Detail detail) const = 0;
  [[nodiscard]] virtual std::string_view error_content_type() const noexcept {
    return "application/problem+json";
  }
  // The field of an answer's head in which the dialect's SDKs look for the request id, beside
  // davy-request-id; empty: none.
  [[nodiscard]] virtual std::string_view request_id_field() const noexcept { return {}; }
  // The same inside a stream of that operation that has begun: the bytes of one event.
  [[nodiscard]] virtual std::string stream_error(std::uint8_t operation, const Problem& problem,
                                                 Detail detail) const = 0;
};

}  // namespace davy::dialects
