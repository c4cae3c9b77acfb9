#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rawkv::torture {

// A report of a worker. The worker sends one message before an act and one after it. If the worker is killed
// between them, the act is in doubt.
struct Message {
  enum class Kind : uint32_t {
    kOpened,      // the store is open at `version`
    kFound,       // the store names commit `number` as `version`
    kCommit,      // a commit of the script `number` begins
    kCommitted,   // the commit became `version`
    kRollback,    // a rollback to `version` begins
    kRolledBack,  //
    kPin,         // a pin with the actor's name begins
    kPinned,      // the pin holds `version`
    kUnpin,       //
    kUnpinned,    //
    kRefused,     // the act did not happen, and will not happen
    kDurable,     // the engine reported every version up to `version` as durable
    kDigest,      // a view of `version` has the digest `number`
  };
  Kind kind = Kind::kOpened;
  uint32_t actor = 0;  // the worker's thread
  uint64_t version = 0;
  uint64_t number = 0;
};

// The destination of a worker's messages. When Send returns, the message has arrived: a later kill or power
// cut does not lose it. Thread-safe.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual void Send(const Message& message) = 0;
};

// Converts messages to and from one line of text, for a channel that holds text. kInvalidArgument for other
// text.
std::string ToText(const Message& message);  // the text begins with a space
Result<std::vector<Message>> ParseMessages(std::string_view text);

// The name of the pin that an actor may hold.
std::string PinNameOf(uint32_t actor);

}  // namespace rawkv::torture
