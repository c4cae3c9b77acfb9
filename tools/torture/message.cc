#include "tools/torture/message.h"

#include <sstream>

namespace rawkv::torture {
namespace {

// In the order of Message::Kind.
constexpr std::string_view kLetters = "OFcCrRpPuUxdh";

}  // namespace

std::string ToText(const Message& message) {
  return std::string(" ") + kLetters[static_cast<size_t>(message.kind)] + std::to_string(message.actor) +
         ":" + std::to_string(message.version) + ":" + std::to_string(message.number);
}

Result<std::vector<Message>> ParseMessages(std::string_view text) {
  std::vector<Message> out;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    Message m;
    char letter = 0, colon1 = 0, colon2 = 0;
    std::istringstream fields(word);
    fields >> letter >> m.actor >> colon1 >> m.version >> colon2 >> m.number;
    const size_t kind = kLetters.find(letter);
    if (fields.fail() || !fields.eof() || kind == std::string_view::npos || colon1 != ':' || colon2 != ':') {
      return Status::InvalidArgument("\"" + word + "\" is not a message");
    }
    m.kind = static_cast<Message::Kind>(kind);
    out.push_back(m);
  }
  return out;
}

std::string PinNameOf(uint32_t actor) {
  return "torture-" + std::to_string(actor);
}

}  // namespace rawkv::torture
