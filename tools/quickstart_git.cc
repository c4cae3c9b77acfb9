#include "tools/quickstart_git.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace rawkv::quickstart {
namespace {

// Requests sent ahead of the answer being read. All of them together stay far below a pipe's 64 KiB,
// so that a write never waits for a git that itself waits for us to read.
constexpr size_t kRequestsAhead = 256;

std::vector<std::string> GitEnvironment() {
  std::vector<std::string> out;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const bool locale = text.starts_with("LC_") || text.starts_with("LANG");
    if (locale || (text.starts_with("GIT_") && !text.starts_with("GIT_EXEC_PATH="))) continue;
    out.emplace_back(text);
  }
  for (const char* setting :
       {"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1",
        "GIT_GRAFT_FILE=/dev/null",
        // The user named this repository, and we only read objects: whose it is does not matter.
        "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}) {
    out.emplace_back(setting);
  }
  return out;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

Status NoSuchBlob(const ObjectHeading& heading) {
  return Status::IoError(
      "git has no blob " + heading.id + " (" + heading.type +
      "); a partial clone needs its remote: fetch the missing objects, or name a full clone");
}

}  // namespace

Status GitBlobs::Read(std::span<const BlobRequest> requests) {
  size_t sent = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (sent == i) {
      std::string lines;
      for (; sent < std::min(requests.size(), i + kRequestsAhead); ++sent) lines += requests[sent].id + "\n";
      RAWKV_RETURN_IF_ERROR(child_->Write(lines));
    }
    RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, ReadHeading(requests[i].id));
    if (bytes != requests[i].out.size()) {
      return Status::Internal("blob " + requests[i].id + " has " + std::to_string(bytes) + " bytes, not " +
                              std::to_string(requests[i].out.size()));
    }
    RAWKV_RETURN_IF_ERROR(child_->ReadExactly(requests[i].out));
    RAWKV_RETURN_IF_ERROR(ReadEnd());
  }
  return Status::Ok();
}

Result<std::string> GitBlobs::ReadWhole(const std::string& id) {
  RAWKV_RETURN_IF_ERROR(child_->Write(id + "\n"));
  RAWKV_ASSIGN_OR_RETURN(const uint64_t bytes, ReadHeading(id));
  std::string out(bytes, '\0');
  RAWKV_RETURN_IF_ERROR(child_->ReadExactly(AsWritableBytes(out)));
  RAWKV_RETURN_IF_ERROR(ReadEnd());
  return out;
}

Result<uint64_t> GitBlobs::ReadHeading(const std::string& id) {
  RAWKV_ASSIGN_OR_RETURN(const std::string line, child_->ReadUntil('\n'));
  RAWKV_ASSIGN_OR_RETURN(const ObjectHeading heading, ParseHeading(line));
  if (heading.type != "blob" || heading.id != id) return NoSuchBlob(heading);
  return heading.bytes;
}

Status GitBlobs::ReadEnd() {
  std::string end(1, '\0');
  RAWKV_RETURN_IF_ERROR(child_->ReadExactly(AsWritableBytes(end)));
  return end == "\n" ? Status::Ok() : Status::Internal("git cat-file: a blob did not end where it said");
}

Result<Git> Git::Open(const std::string& dir) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(dir, error);
  if (error) return Status::NotFound(dir + ": " + error.message());
  Git git;
  git.dir_ = whole.string();
  auto answer = Capture(git.Ask({"rev-parse", "--show-object-format", "--show-prefix"}));
  if (!answer.ok()) {
    if (answer.status().code() == StatusCode::kNotFound) {
      return Status::NotFound("there is no git program on this machine");
    }
    return Status::NotFound(answer.status().message());
  }
  const std::vector<std::string> lines = Lines(*answer);
  if (lines.size() > 1 && !lines[1].empty()) {
    return Status::NotFound("it lies inside a git repository, but is not the top of one");
  }
  if (lines.empty() || (lines[0] != "sha1" && lines[0] != "sha256")) {
    return Status::NotFound("this git, or this repository's object format, is not known");
  }
  git.hash_name_ = lines[0];
  return git;
}

Command Git::Ask(std::vector<std::string> arguments) const {
  Command command;
  command.argv = {"git", "-C", dir_};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env = GitEnvironment();
  return command;
}

Result<std::string> Git::Tip() const {
  const auto head = Capture(Ask({"rev-parse", "--verify", "--quiet", "HEAD^{commit}"}));
  if (head.ok()) return head->substr(0, head->find('\n'));
  RAWKV_ASSIGN_OR_RETURN(const std::string newest,
                         Capture(Ask({"for-each-ref", "--sort=-committerdate", "--count=1",
                                      "--format=%(objectname)", "refs/heads"})));
  const std::vector<std::string> lines = Lines(newest);
  return lines.empty() ? std::string() : lines[0];
}

Result<std::vector<std::string>> Git::FirstParentCommits(const std::string& tip, uint64_t max) const {
  std::vector<std::string> arguments = {"rev-list", "--first-parent", "--reverse"};
  if (max > 0) arguments.push_back("--max-count=" + std::to_string(max));
  arguments.push_back(tip);
  RAWKV_ASSIGN_OR_RETURN(const std::string text, Capture(Ask(std::move(arguments))));
  return Lines(text);
}

Result<uint64_t> Git::CountFirstParentCommits(const std::string& tip) const {
  RAWKV_ASSIGN_OR_RETURN(const std::string text,
                         Capture(Ask({"rev-list", "--first-parent", "--count", tip})));
  return std::strtoull(text.c_str(), nullptr, 10);
}

Result<std::vector<TreeEntry>> Git::ListTree(const std::string& commit) const {
  RAWKV_ASSIGN_OR_RETURN(const std::string text,
                         Capture(Ask({"ls-tree", "-r", "-z", "--full-tree", commit})));
  return ParseTree(text);
}

Result<std::vector<CommitChanges>> Git::ChangesBetween(const std::vector<std::string>& commits) const {
  // "commit parent" makes diff-tree take that parent for the only one: right for merges, and wherever
  // the list begins.
  Command command = Ask({"diff-tree", "--stdin", "--always", "-r", "-z", "--no-renames", "--no-abbrev"});
  for (size_t i = 1; i < commits.size(); ++i) command.input += commits[i] + " " + commits[i - 1] + "\n";
  RAWKV_ASSIGN_OR_RETURN(const std::string text, Capture(command));
  RAWKV_ASSIGN_OR_RETURN(std::vector<CommitChanges> out, ParseChanges(text));
  for (size_t i = 1; i < commits.size(); ++i) {
    if (out.size() < i || out[i - 1].commit != commits[i]) {
      return Status::Internal("git diff-tree left out commit " + commits[i]);
    }
  }
  return out;
}

Result<std::unordered_map<std::string, uint64_t>> Git::BlobSizes(const std::vector<std::string>& ids) const {
  Command command = Ask({"cat-file", "--batch-check", "--buffer"});
  for (const std::string& id : ids) command.input += id + "\n";
  RAWKV_ASSIGN_OR_RETURN(const std::string text, Capture(command));
  std::unordered_map<std::string, uint64_t> out;
  for (const std::string& line : Lines(text)) {
    RAWKV_ASSIGN_OR_RETURN(const ObjectHeading heading, ParseHeading(line));
    if (heading.type != "blob") return NoSuchBlob(heading);
    out[heading.id] = heading.bytes;
  }
  return out;
}

Result<std::unique_ptr<GitBlobs>> Git::OpenBlobs() const {
  Command command = Ask({"cat-file", "--batch"});
  command.pipe_input = true;
  RAWKV_ASSIGN_OR_RETURN(auto child, ChildProcess::Start(command));
  return std::make_unique<GitBlobs>(std::move(child));
}

}  // namespace rawkv::quickstart
