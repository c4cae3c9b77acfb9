#include <string>

#include "bindings/c/option_text.h"
#include "bindings/c/packed.h"
#include "bindings/c/store_options.h"
#include "tests/fuzz/targets.h"

namespace rawkv::fuzz {
namespace {

void AppendNumber(uint64_t value, size_t bytes, std::string& out) {
  for (size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> 8 * i & 0xFF));
}

std::string Pack(const std::vector<c::PackedOperation>& operations) {
  std::string out;
  for (const c::PackedOperation& op : operations) {
    AppendNumber(op.kind, 1, out);
    AppendNumber(op.flags, 1, out);
    AppendNumber(0, 2, out);
    AppendNumber(op.key.size(), 4, out);
    AppendNumber(op.value.size(), 8, out);
    out += op.key;
    out += op.value;
  }
  return out;
}

void CheckInvalid(const Status& status) {
  RAWKV_CHECK(status.code() == StatusCode::kInvalidArgument && !status.message().empty(),
              "the status must be kInvalidArgument with a message");
}

// Whether the text is accepted.
template <typename Options>
bool Accepts(const Result<Options>& parsed) {
  if (!parsed.ok()) CheckInvalid(parsed.status());
  return parsed.ok();
}

}  // namespace

Verdict FuzzBatchOperations(ConstBytes input) {
  const Result<std::vector<c::PackedOperation>> operations = c::UnpackOperations(AsStringView(input));
  if (!operations.ok()) {
    CheckInvalid(operations.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(Pack(*operations) == AsStringView(input), "equal operations must have one layout");
  return Verdict::kAccepted;
}

Verdict FuzzOptionText(ConstBytes input) {
  const std::string text(AsStringView(input));
  OptionText none("fuzz");
  const bool format = Accepts(c::ParseFormatOptions(text.c_str()));
  const bool open = Accepts(c::ParseOpenOptions(text.c_str()));
  const bool settings = Accepts(c::ParseSettings("fuzz", text.c_str()));
  const bool closed = Accepts(c::ParseClosedOptions(none, text.c_str()));
  return format || open || settings || closed ? Verdict::kAccepted : Verdict::kRefused;
}

}  // namespace rawkv::fuzz
