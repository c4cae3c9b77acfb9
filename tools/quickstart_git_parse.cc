#include "tools/quickstart_git_parse.h"

#include <charconv>
#include <optional>
#include <utility>

namespace rawkv::quickstart {
namespace {

Status Unexpected(std::string_view program, size_t offset) {
  return Status::Internal("unexpected output of git " + std::string(program) + " at byte " +
                          std::to_string(offset));
}

// Takes the text up to `delimiter` off the front; nothing if it does not come.
std::optional<std::string_view> TakeUntil(std::string_view* text, char delimiter) {
  const size_t at = text->find(delimiter);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view out = text->substr(0, at);
  text->remove_prefix(at + 1);
  return out;
}

std::optional<GitKind> KindOfMode(std::string_view mode) {
  if (mode == "000000") return GitKind::kAbsent;
  if (mode == "160000") return GitKind::kSubmodule;
  if (mode.size() == 6 && (mode.starts_with("100") || mode == "120000")) return GitKind::kContent;
  return std::nullopt;
}

// ":old-mode new-mode old-id new-id status"
std::optional<TreeChange> ParseChangeHead(std::string_view head) {
  if (!head.starts_with(':')) return std::nullopt;
  head.remove_prefix(1);
  const auto old_mode = TakeUntil(&head, ' ');
  const auto new_mode = TakeUntil(&head, ' ');
  const auto old_id = TakeUntil(&head, ' ');
  const auto new_id = TakeUntil(&head, ' ');
  if (!old_mode || !new_mode || !old_id || !new_id || head.size() != 1) return std::nullopt;
  const auto before = KindOfMode(*old_mode);
  const auto after = KindOfMode(*new_mode);
  if (!before || !after) return std::nullopt;
  return TreeChange{.before = *before, .after = *after, .id = std::string(*new_id), .path = ""};
}

}  // namespace

Result<std::vector<TreeEntry>> ParseTree(std::string_view text) {
  const size_t whole = text.size();
  std::vector<TreeEntry> out;
  while (!text.empty()) {
    const size_t offset = whole - text.size();
    const auto mode = TakeUntil(&text, ' ');
    const auto type = TakeUntil(&text, ' ');
    const auto id = TakeUntil(&text, '\t');
    const auto path = TakeUntil(&text, '\0');
    if (!mode || !type || !id || !path) return Unexpected("ls-tree", offset);
    const auto kind = KindOfMode(*mode);
    if (!kind || *kind == GitKind::kAbsent || path->empty()) return Unexpected("ls-tree", offset);
    out.push_back({.kind = *kind, .id = std::string(*id), .path = std::string(*path)});
  }
  return out;
}

Result<std::vector<CommitChanges>> ParseChanges(std::string_view text) {
  const size_t whole = text.size();
  std::vector<CommitChanges> out;
  while (!text.empty()) {
    const size_t offset = whole - text.size();
    const auto head = TakeUntil(&text, '\0');
    if (!head || head->empty()) return Unexpected("diff-tree", offset);
    if (head->front() != ':') {
      out.push_back({.commit = std::string(*head), .changes = {}});
      continue;
    }
    auto change = ParseChangeHead(*head);
    const auto path = TakeUntil(&text, '\0');
    if (!change || !path || path->empty() || out.empty()) return Unexpected("diff-tree", offset);
    change->path = std::string(*path);
    out.back().changes.push_back(*std::move(change));
  }
  return out;
}

Result<ObjectHeading> ParseHeading(std::string_view line) {
  ObjectHeading out;
  std::string_view rest = line;
  const auto id = TakeUntil(&rest, ' ');
  if (id) {
    out.id = std::string(*id);
    if (rest == "missing") {
      out.type = "missing";
      return out;
    }
    if (const auto type = TakeUntil(&rest, ' ')) {
      out.type = std::string(*type);
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out.bytes);
      if (error == std::errc() && end == rest.data() + rest.size()) return out;
    }
  }
  return Status::Internal("unexpected answer of git cat-file: " + std::string(line.substr(0, 100)));
}

}  // namespace rawkv::quickstart
