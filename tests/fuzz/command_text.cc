#include <gflags/gflags.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/shell_word.h"
#include "base/uuid.h"
#include "report/json_text.h"
#include "tests/fuzz/targets.h"
#include "tools/cli/byte_size.h"
#include "tools/cli/exit_status.h"
#include "tools/cli/shell_words.h"
#include "tools/cli/time_text.h"
#include "tools/ctl/change_line.h"
#include "tools/ctl/command_line.h"
#include "tools/ctl/command_table.h"
#include "tools/ctl/flags.h"
#include "wal/segment_name.h"

namespace rawkv::fuzz {
namespace {

using namespace rawkv::ctl;  // NOLINT(google-build-using-namespace)

// Checks that wrong input of a user gives a usage error of one line.
void CheckUsageError(const Status& status) {
  RAWKV_CHECK(status.code() == StatusCode::kInvalidArgument, "wrong input must be a usage error");
  const std::string text = ErrorText(status);
  const bool one_line =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  RAWKV_CHECK(!text.empty() && one_line, "an error must be one line");
}

// --- lines of the command apply

std::string LineOf(const ChangeLine& line) {
  OrderedJson out;
  if (line.version) out["version"] = line.version->value();
  out["put"] = OrderedJson::array();
  for (const auto& [key, value] : line.puts) {
    OrderedJson& put = out["put"].emplace_back();
    SetKey(put, "key", key);
    SetKey(put, "value", value);
  }
  out["delete"] = OrderedJson::array();
  for (const std::string& key : line.deletes) SetKey(out["delete"].emplace_back(), "key", key);
  SetKey(out, "metadata", line.metadata);
  return JsonText(out);
}

void CheckBatch(const ChangeLine& line) {
  const WriteBatch batch = line.ToBatch();
  RAWKV_CHECK(batch.size() == line.puts.size() + line.deletes.size(),
              "the batch must contain each operation once");
  RAWKV_CHECK(batch.metadata() == line.metadata, "the metadata must be kept");
  for (const auto& operation : batch.operations())
    RAWKV_CHECK(!operation.key.empty(), "a key must not be empty");
}

// --- the command line

std::vector<std::string> ArgumentsOf(std::string_view bytes) {
  std::vector<std::string> args;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\0'), bytes.size());
    args.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return args;
}

// The same command line in full: --name=value for every flag, and arguments after --.
std::vector<std::string> FullForm(const CommandLine& line) {
  std::vector<std::string> args;
  const std::string name(line.command->name);
  const size_t space = name.find(' ');
  args.push_back(name.substr(0, space));
  if (space != std::string::npos) args.push_back(name.substr(space + 1));
  for (const auto& [flag, value] : line.flags) args.push_back("--" + flag + "=" + value);
  args.emplace_back("--");
  args.insert(args.end(), line.arguments.begin(), line.arguments.end());
  return args;
}

void CheckFlags(const CommandLine& line) {
  const gflags::FlagSaver saver;  // gflags keeps values in globals
  const Result<Flags> flags = ReadFlags(line.flags);
  if (!flags.ok()) {
    CheckUsageError(flags.status());
    return;
  }
  const std::string* key = nullptr;
  const std::string* capacity = nullptr;
  bool version = false;
  for (const auto& [name, value] : line.flags) {
    if (name == "key_b64") key = &value;
    if (name == "capacity") capacity = &value;
    if (name == "version") version = true;
  }
  RAWKV_CHECK(flags->version.has_value() == version, "there is a version if and only if it was given");
  RAWKV_CHECK(flags->key_b64.has_value() == (key != nullptr), "there is a key if and only if it was given");
  RAWKV_CHECK(key == nullptr || EncodeBase64(*flags->key_b64) == *key, "the last key counts");
  RAWKV_CHECK(flags->capacity.has_value() == (capacity != nullptr),
              "there is a capacity if and only if it was given");
  RAWKV_CHECK(capacity == nullptr || *ParseByteSize(*capacity) == *flags->capacity,
              "the last capacity counts");
}

// --- small texts

// Whether `text` means `value` bytes. Uses 128 bits to detect an overflow of 64 bits.
bool FitsAsBytes(std::string_view text, uint64_t value) {
  __extension__ unsigned __int128 number = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1)) {
    if (number <= UINT64_MAX) number = number * 10 + static_cast<unsigned>(text[0] - '0');
  }
  const size_t unit = text.empty() ? 0 : std::string_view("KMGT").find(text[0]) + 1;
  return number << (10 * unit) == value;
}

bool CheckByteSize(std::string_view text) {
  const Result<uint64_t> bytes = ParseByteSize(text);
  if (!bytes.ok()) return false;
  RAWKV_CHECK(FitsAsBytes(text, *bytes), "the size must equal its text");
  RAWKV_CHECK(*ParseByteSize(std::to_string(*bytes)) == *bytes, "a plain number must be accepted");
  RAWKV_CHECK(!HumanBytes(*bytes).empty(), "a size must have a readable text");
  return true;
}

bool CheckBase64(std::string_view text) {
  RAWKV_CHECK(*DecodeBase64(EncodeBase64(text)) == text, "decoding must invert encoding");
  const Result<std::string> bytes = DecodeBase64(text);
  RAWKV_CHECK(!bytes.ok() || EncodeBase64(*bytes) == text, "equal bytes must have one encoding");
  return bytes.ok();
}

bool CheckTime(std::string_view text) {
  constexpr uint64_t kNow = 1'772'373'900'250;
  const Result<uint64_t> moment = ParseTime(text, kNow);
  if (!moment.ok()) {
    CheckUsageError(moment.status());
    return false;
  }
  if (*moment != 0) {  // UtcTime has no text for it
    RAWKV_CHECK(*ParseTime(UtcTimeMs(*moment), kNow) == *moment, "a printed time must be read back");
  }
  return true;
}

bool CheckNames(std::string_view text) {
  const Result<Uuid> id = Uuid::Parse(text);
  if (id.ok()) RAWKV_CHECK(*Uuid::Parse(id->ToString()) == *id, "parsing must invert printing");
  const std::optional<Version> version = ParseSegmentName(text);
  if (version) {
    RAWKV_CHECK(SegmentName(*version) == text, "a segment must have one name");
    RAWKV_CHECK(*version >= kMinSegmentVersion && *version <= kMaxSegmentVersion,
                "the version must be within its bounds");
  }
  return id.ok() || version.has_value();
}

// A line of the shell. Any text can be written as one word of it.
bool CheckShellWords(std::string_view text) {
  RAWKV_CHECK(*SplitShellWords(ShellWord(text)) == std::vector<std::string>{std::string(text)},
              "splitting must invert quoting");
  const Result<std::vector<std::string>> words = SplitShellWords(text);
  if (!words.ok()) {
    CheckUsageError(words.status());
    return false;
  }
  std::string line;
  for (const std::string& word : *words) line += ShellWord(word) + ' ';
  RAWKV_CHECK(*SplitShellWords(line) == *words, "reading again must give the same result");
  return words->size() > 1;  // almost every text is one word
}

}  // namespace

Verdict FuzzChangeLine(ConstBytes input) {
  const std::string_view text = AsStringView(input);
  (void)IsBlankLine(text);
  const Result<ChangeLine> line = ParseChangeLine(text);
  if (!line.ok()) {
    CheckUsageError(line.status());
    return Verdict::kRefused;
  }
  CheckBatch(*line);
  const Result<ChangeLine> again = ParseChangeLine(LineOf(*line));
  RAWKV_CHECK(again.ok(), "a line that was read must be writable");
  RAWKV_CHECK(again->version == line->version && again->puts == line->puts &&
                  again->deletes == line->deletes && again->metadata == line->metadata,
              "reading again must give the same result");
  return Verdict::kAccepted;
}

Verdict FuzzCommandLine(ConstBytes input) {
  const Result<CommandLine> line = ParseCommandLine(ArgumentsOf(AsStringView(input)));
  if (!line.ok()) {
    CheckUsageError(line.status());
    return Verdict::kRefused;
  }
  RAWKV_CHECK(line->command != nullptr, "a command line must have a command");
  const std::vector<std::string> allowed = FlagsOf(*line->command);
  for (const auto& flag : line->flags) {
    RAWKV_CHECK(std::ranges::find(allowed, flag.first) != allowed.end(), "a flag must belong to the command");
  }
  RAWKV_CHECK(line->arguments.size() <= line->command->arguments_max, "too many arguments were accepted");
  const Result<CommandLine> again = ParseCommandLine(FullForm(*line));
  RAWKV_CHECK(again.ok(), "the full form must be accepted");
  RAWKV_CHECK(
      again->command == line->command && again->arguments == line->arguments && again->flags == line->flags,
      "reading again must give the same result");
  CheckFlags(*line);
  return Verdict::kAccepted;
}

Verdict FuzzText(ConstBytes input) {
  const std::string_view text = AsStringView(input);
  const bool size = CheckByteSize(text);
  const bool base64 = CheckBase64(text);
  const bool time = CheckTime(text);
  const bool name = CheckNames(text);
  const bool line = CheckShellWords(text);
  return size || base64 || time || name || line ? Verdict::kAccepted : Verdict::kRefused;
}

}  // namespace rawkv::fuzz
