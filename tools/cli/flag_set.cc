#include "tools/cli/flag_set.h"

#include <fmt/format.h>
#include <gflags/gflags.h>

#include <algorithm>

#include "tools/cli/byte_size.h"
#include "tools/cli/near_name.h"

namespace rawkv::ctl {
namespace {

// "--slot-bytes=4096" as name and value.
struct FlagText {
  std::string name;
  std::optional<std::string> value;
};

FlagText SplitFlag(const std::string& arg) {
  FlagText flag;
  const size_t begin = arg.starts_with("--") ? 2 : 1;
  const size_t equals = arg.find('=');
  flag.name = arg.substr(begin, equals == std::string::npos ? equals : equals - begin);
  std::replace(flag.name.begin(), flag.name.end(), '-', '_');
  if (equals != std::string::npos) flag.value = arg.substr(equals + 1);
  return flag;
}

std::string RegisteredName(std::string_view prefix, std::string_view name) {
  return std::string(prefix) + std::string(name);
}

}  // namespace

Result<bool> SwitchValue(bool value) {
  return value;
}

Result<std::optional<uint64_t>> NumberValue(uint64_t value) {
  return std::optional(value);
}

Result<std::optional<uint64_t>> BytesValue(const std::string& text) {
  RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, ParseByteSize(text));
  return std::optional(bytes);
}

Result<std::optional<std::string>> TextValue(const std::string& text) {
  if (text.empty()) return Status::InvalidArgument("needs a value");
  return std::optional(text);
}

Result<std::optional<std::string>> PathValue(const std::string& text) {
  RAWKV_ASSIGN_OR_RETURN(std::optional<std::string> path, TextValue(text));
  const auto repeated =
      std::unique(path->begin(), path->end(), [](char a, char b) { return a == '/' && b == '/'; });
  path->erase(repeated, path->end());
  return path;
}

Result<std::optional<std::string>> DirValue(const std::string& text) {
  RAWKV_ASSIGN_OR_RETURN(std::optional<std::string> path, PathValue(text));
  if (path->size() > 1 && path->back() == '/') path->pop_back();
  return path;
}

std::vector<std::string> ChoicesOf(std::string_view argument) {
  const bool listed = argument.find('|') != std::string_view::npos &&
                      argument.find_first_not_of("abcdefghijklmnopqrstuvwxyz_|") == std::string_view::npos;
  std::vector<std::string> choices;
  while (listed && !argument.empty()) {
    const size_t bar = argument.find('|');
    choices.emplace_back(argument.substr(0, bar));
    argument.remove_prefix(bar == std::string_view::npos ? argument.size() : bar + 1);
  }
  return choices;
}

std::string FlagDescription::Usage() const {
  if (boolean()) return "--" + name;
  return "--" + name + (value_optional() ? "[=" + argument.substr(1) : "=" + argument);
}

std::string FlagDescription::HelpLine() const {
  return fmt::format("  {:<26}  {}\n", Usage(), help);
}

Arguments FlagSet::Split(const std::vector<std::string>& args) const {
  Arguments out;
  for (size_t at = 0; at < args.size();) {
    if (args[at] == "--") {
      out.words.insert(out.words.end(), args.begin() + static_cast<std::ptrdiff_t>(at) + 1, args.end());
      break;
    }
    if (args[at].size() > 1 && args[at].front() == '-') {
      at += TakeFlag(args, at, &out);
    } else {
      out.words.push_back(args[at++]);
    }
  }
  return out;
}

// Reads the flag at args[at] into `out`; returns the number of arguments that it used.
size_t FlagSet::TakeFlag(const std::vector<std::string>& args, size_t at, Arguments* out) const {
  const auto fail = [out](std::string message) {
    if (out->error.ok()) out->error = Status::InvalidArgument(std::move(message));
  };
  const auto [name, value] = SplitFlag(args[at]);
  const auto flag = Describe(name);
  if ((name == "help" || name == "h") && !value.has_value()) {
    out->help = true;
  } else if (!flag.has_value()) {
    const auto opposite = name.starts_with("no") ? Describe(name.substr(2)) : std::nullopt;
    if (opposite.has_value() && opposite->boolean() && !value.has_value()) {
      out->flags.emplace_back(opposite->name, "false");
      return 1;
    }
    const std::string hint = args[at].starts_with("--")
                                 ? SuggestName(name, Names())
                                 : "; write -- before arguments that start with a dash";
    fail(fmt::format("unknown flag {}{}", args[at].substr(0, args[at].find('=')), hint));
  } else if (value.has_value() || flag->boolean() || flag->value_optional()) {
    out->flags.emplace_back(name, value.value_or(flag->boolean() ? "true" : flag->fallback));
  } else if (at + 1 < args.size() && !args[at + 1].starts_with("--")) {
    // If the next argument starts with two dashes, the user most likely forgot the value.
    out->flags.emplace_back(name, args[at + 1]);
    return 2;
  } else if (name == bare_name) {
    out->bare = true;
  } else {
    fail(fmt::format("--{0} needs a value (--{0}=…)", name));
  }
  return 1;
}

std::optional<FlagDescription> FlagSet::Describe(std::string_view name) const {
  gflags::CommandLineFlagInfo info;
  if (!gflags::GetCommandLineFlagInfo(RegisteredName(prefix, name).c_str(), &info)) return std::nullopt;
  if (info.type == "bool") return FlagDescription{std::string(name), "", info.description};
  const size_t colon = info.description.find(": ");
  return FlagDescription{std::string(name), info.description.substr(0, colon),
                         info.description.substr(colon + 2), info.default_value};
}

std::vector<std::string> FlagSet::Names() const {
  std::vector<gflags::CommandLineFlagInfo> all;
  gflags::GetAllFlags(&all);
  std::vector<std::string> names = {"help"};
  for (const gflags::CommandLineFlagInfo& info : all) {
    if (info.name.starts_with(prefix)) names.push_back(info.name.substr(prefix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool FlagSet::IsGiven(std::string_view name) const {
  return !gflags::GetCommandLineFlagInfoOrDie(RegisteredName(prefix, name).c_str()).is_default;
}

Status FlagSet::BadValue(std::string_view name, std::string_view why) {
  return Status::InvalidArgument(fmt::format("--{}: {}", name, why));
}

Status FlagSet::Set(const std::vector<std::pair<std::string, std::string>>& given) const {
  for (const auto& [name, value] : given) {
    const auto flag = Describe(name);
    if (!flag.has_value()) return Status::InvalidArgument(fmt::format("unknown flag --{}", name));
    if (gflags::SetCommandLineOption(RegisteredName(prefix, name).c_str(), value.c_str()).empty()) {
      return BadValue(name, fmt::format("'{}' is not {}", value,
                                        flag->boolean() ? "true or false" : "a number (0 or more)"));
    }
  }
  return Status::Ok();
}

struct FlagScope::Saved {
  gflags::FlagSaver flags;
};

FlagScope::FlagScope() : saved_(std::make_unique<Saved>()) {}

FlagScope::~FlagScope() = default;

}  // namespace rawkv::ctl
