#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace rawkv::ctl {

// A program lists its flags once, as a macro of FLAG with one line for each flag:
//
//   FLAG(string, BytesValue, capacity, "", "BYTES: size of a new device file (1GiB)")
//
// The items are: the type in gflags, the function that checks and converts a given value, the name, the
// default, and the help ("ARGUMENT: help"; only "help" for a boolean). Without a value the flag of an
// argument in brackets ("[SECONDS]: help") has its default as the value; such a flag takes a value only after
// "=". An argument of words with bars ("synced|unsafe_unsynced") lists all values. Three uses of the list
// make the struct of the values (RAWKV_FLAG_FIELD), the definitions for gflags, and the calls of
// FlagSet::Read.
#define RAWKV_FLAG_FIELD(type, convert, name, fallback, help) std::decay_t<decltype(*convert({}))> name{};

// Functions that convert a given value. kInvalidArgument gives the reason; the caller adds the flag's name.
Result<bool> SwitchValue(bool value);
Result<std::optional<uint64_t>> NumberValue(uint64_t value);
Result<std::optional<uint64_t>> BytesValue(const std::string& text);
Result<std::optional<std::string>> TextValue(const std::string& text);  // refuses an empty text
// A path, with one slash in place of several, so that messages show it in one spelling. DirValue also drops a
// slash at the end. Symlinks and ".." stay as they are.
Result<std::optional<std::string>> PathValue(const std::string& text);
Result<std::optional<std::string>> DirValue(const std::string& text);

// The words of an argument that lists all its values ("bash|zsh|fish"); none for another argument.
std::vector<std::string> ChoicesOf(std::string_view argument);

struct FlagDescription {
  std::string name;      // as users write it, without dashes
  std::string argument;  // "DIR", "N", "[SECONDS]", "posix|io_uring", …; empty for a boolean
  std::string help;
  std::string fallback = {};  // the default

  bool boolean() const { return argument.empty(); }
  bool value_optional() const { return argument.starts_with('['); }
  // "--store=DIR", "--json", "--watch[=SECONDS]"
  std::string Usage() const;
  std::string HelpLine() const;
};

// A command line, split into words and flags. The values of the flags are not checked yet.
struct Arguments {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> flags;  // name without dashes, value; in order
  bool help = false;                                       // --help or -h
  bool bare = false;                                       // FlagSet::bare_name without a value
  Status error;                                            // the first error; ignore it if `help` is set
};

// The flags of one program. gflags keeps their types, values and descriptions, under names with a prefix, so
// that the flags of gflags itself (--version, --flagfile) and of other libraries are neither visible nor in
// the way. gflags does not parse the command line, because it would end the program with status 1 at an
// unknown flag or a bad value. No function ends the process. The values are global: one thread at a time.
struct FlagSet {
  std::string_view prefix;
  std::string_view bare_name = "";  // a flag for which a missing value is not an error

  // Splits arguments, without the program's name: --flag=value, --flag value, --boolean, --noboolean. One
  // dash is enough, and a dash inside a name means an underscore. Arguments after -- are not flags.
  Arguments Split(const std::vector<std::string>& args) const;

  // Absent if there is no such flag. `name` is spelled with underscores.
  std::optional<FlagDescription> Describe(std::string_view name) const;

  // Sets the given flags; a later value wins. kInvalidArgument names the flag and the problem.
  Status Set(const std::vector<std::pair<std::string, std::string>>& given) const;

  // Converts the value of a flag that was given. Leaves `field` as it is if the flag was not given.
  template <typename Convert, typename Value, typename Field>
  Status Read(std::string_view name, Convert convert, const Value& value, Field* field) const {
    if (!IsGiven(name)) return Status::Ok();
    auto converted = convert(value);
    if (!converted.ok()) return BadValue(name, converted.status().message());
    *field = std::move(converted).value();
    return Status::Ok();
  }

 private:
  size_t TakeFlag(const std::vector<std::string>& args, size_t at, Arguments* out) const;
  bool IsGiven(std::string_view name) const;
  std::vector<std::string> Names() const;
  static Status BadValue(std::string_view name, std::string_view why);
};

// Keeps the values of all flags, and restores them at its end: a shell reads many command lines.
class FlagScope {
 public:
  FlagScope();
  ~FlagScope();
  FlagScope(const FlagScope&) = delete;
  FlagScope& operator=(const FlagScope&) = delete;

 private:
  struct Saved;
  const std::unique_ptr<Saved> saved_;
};

}  // namespace rawkv::ctl
