#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rawkv::torture {

// What a worker says of what it does: before an act what it is about to do, after it how it ended. An act
// that was begun and of whose end nothing was heard is in doubt when the worker is killed.
struct Message {
  enum class Kind : uint32_t {
    kOpened,      // the store is open at `version`
    kFound,       // `version` turned out to be the commit `number`
    kCommit,      // of the script `number`
    kCommitted,   // … as `version`
    kRollback,    // to `version`
    kRolledBack,  //
    kPin,         // a pin of the actor's name
    kPinned,      // … holds `version`
    kUnpin,       //
    kUnpinned,    //
    kRefused,     // what the actor began did not happen, and will not
    kDurable,     // everything up to `version` was said to be durable
    kDigest,      // a view of `version` read as the state of digest `number`
  };
  Kind kind = Kind::kOpened;
  uint32_t actor = 0;  // the worker's thread
  uint64_t version = 0;
  uint64_t number = 0;
};

// Where a worker's messages go. A message has arrived when Tell returns: whoever kills the worker, or cuts
// the power, later than that will find it. Thread-safe.
class Teller {
 public:
  virtual ~Teller() = default;
  virtual void Tell(const Message& message) = 0;
};

// Messages as one line of text: for a channel that holds text. kInvalidArgument.
std::string ToText(const Message& message);  // begins with a space
Result<std::vector<Message>> ParseMessages(std::string_view text);

// The name of the pin that an actor may hold.
std::string PinNameOf(uint32_t actor);

}  // namespace rawkv::torture
